"""What a teacher says in the lesson on maps, by step."""

from __future__ import annotations

NOTES = {
    "three": "Let the class say what they see before a word on the methods: most see groups, sizes "
    "and gaps. Then ask for the one figure: **neighbours kept**. PCA shows the two directions of "
    "largest variance and drops all others. t-SNE and UMAP bend the space so that near rows stay "
    "near. The usual wrong idea: the map with the clearest groups is the truest.",
    "row": "Take three rows: one in the middle of a group, one at a border, one by chance. Blue-green "
    "lines are true neighbours, orange ones were torn apart, red dots are near without being "
    "neighbours. Ask: would you have trusted the red ones? On more rows less is kept.",
    "knobs": "Twelve maps of the same vectors; nothing in the data has changed. Few neighbours make "
    "islands and strings, many one continent; min_dist only packs. Ask: which of them would you "
    "show to your boss, and why?",
    "seeds": "The seed decides by chance which points are compared, and nothing else. What differs "
    "between the two is therefore not in the data. All start at the same PCA, which is why the "
    "whole looks alike: from another start, groups would change places too.",
    "noise": "The maps have the same settings. With three neighbours a point is held by two others, "
    "and strings come of anything. The usual wrong idea: a picture with groups proves that there "
    "are groups. Ask what would convince you.",
    "remember": "Each dot is a pair of groups. If gaps could be read from the map, the dots would lie "
    "on a line. Let the class make the map of their own collection, click a row, and look at its "
    "lines.",
}
