"""The lesson on embeddings, on the packaged model itself: each step, and what is bad to embed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, texts

from pgvista.embed import get_embedder
from pgvista.embed.local import packaged_folder
from pgvista.errors import ModelUnavailable
from pgvista.ui.learn.embedding_other import MODEL
from pgvista.ui.learn.embedding_phrases import MAX_LINK_CHARS

PAGE = "pages/learn/embedding.py"
PREFIX = "learn_embedding_"
HAM = "ham " * 10_000


@pytest.fixture(autouse=True)
def loaded_model() -> None:
    """Load the model, which the page would wait for."""
    get_embedder().load()


def said(app: AppTest) -> str:
    """Return all that the page says, what it informs of included."""
    assert not app.exception, app.exception
    return texts(app) + "\n" + "\n".join(item.value for item in app.info).replace("\\", "")


def type_into(app: AppTest, **texts: str) -> AppTest:
    """Type as the browser's own fields do, which the test runner does not know."""
    for name, text in texts.items():
        app.session_state[f"{PREFIX}{name}"] = text
    return app.run()


def type_phrases(app: AppTest, *phrases: str) -> AppTest:
    return type_into(app, **dict(zip("abcd", phrases, strict=False)))


def typed(app: AppTest) -> list[str]:
    return [app.session_state[f"{PREFIX}{letter}"] for letter in "abcd"]


def revealed(open_page: OpenPage, *phrases: str) -> AppTest:
    app = type_phrases(open_page(PAGE, step="near"), *phrases)
    if any(button.key == f"{PREFIX}nearest_reveal" for button in app.button):
        app.button(key=f"{PREFIX}nearest_reveal").click().run()
    return app


def choose_model(open_page: OpenPage, name: str) -> AppTest:
    """Choose a model that is not in the list, which the test runner cannot type into the field."""
    app = open_page(PAGE)
    app.session_state[MODEL] = name
    app.query_params["step"] = "other"
    return app.run()


def test_three_phrases_are_given(open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert typed(app) == [
        "the cat", "the kitten", "the ham sandwich", "",
    ]  # fmt: skip
    assert "A phrase becomes 384 numbers" in said(app)
    assert "gets no vector" in said(app)
    type_phrases(app, "", "", "", "")
    assert said(app).count("gets no vector") == 4


def test_nothing_is_answered_before_the_prediction(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="near")
    assert "Similarity 0." not in said(app)
    app.pills(key=f"{PREFIX}nearest_guess").set_value("C · the ham sandwich").run()
    app.button(key=f"{PREFIX}nearest_reveal").click().run()
    assert "You said C · the ham sandwich; it is **B · the kitten**" in said(app)
    assert "Similarity 0.81, against C 0.35. They share the word “the”." in said(app)
    assert "Postgres measures the distance `A <=> B` as 0.191" in said(app)


def test_a_fourth_phrase_about_cheese(open_page: OpenPage) -> None:
    app = revealed(open_page)
    type_phrases(app, "a slice of cheese", "the kitten", "the ham sandwich", "the cat")
    assert "C · the ham sandwich" in said(app)
    assert "B 0.11, D 0.20" in said(app)


@pytest.mark.parametrize(
    ("phrases", "sentence"),
    [
        (("the cat", "", "", ""), "One phrase alone is near to nothing"),
        (("", "", "", ""), "One phrase alone is near to nothing"),
        (("the cat", "", "a dog", "ham"), "so it is left out (B)"),
        (("the cat", "the cat", "a dog", ""), "A and B are equal, so they have the same vector"),
        (("The Cat", "the cat", "a dog", ""), "A and B are made of the same tokens"),
        (("🐈", "猫", "ham", ""), "whatever they mean to a reader"),
        (("🐈", "猫", "ham", ""), "A holds a sign that is not in the vocabulary of 30,522 pieces"),
        (("кошка", "кот", "ham", ""), "A is read in pieces of a letter or two"),
        ((HAM, "ham", "a dog", ""), "A has 10,002 tokens. The model reads 256 of them"),
        (("ham " * 30_000, "ham", "a dog", ""), "A was cut at 100,000 characters"),
        (("a\0b", "'; drop table x", "**b** $x$", ""), "Postgres measures the distance"),
    ],
)
def test_bad_phrases_are_a_lesson(
    open_page: OpenPage, phrases: tuple[str, ...], sentence: str
) -> None:
    assert sentence in said(revealed(open_page, *phrases))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("the kitten", "**is** the text's vector: at most 0.0000000"),
        ("", "An empty text still has the two tokens"),
        ("🐈 and 🍕", "The text holds 2 signs that are not in the vocabulary"),
        (HAM, "The text has 10,002 tokens"),
    ],
)
def test_tokens_and_their_mean(open_page: OpenPage, text: str, sentence: str) -> None:
    app = open_page(PAGE, step="tokens")
    type_into(app, text=text)
    assert sentence in said(app)


def test_examples_of_tokens(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="tokens")
    app.button(key=f"{PREFIX}example_10,000 words").click().run()
    assert "The text has 10,002 tokens. The model reads 256" in said(app)


def test_a_negation_is_nearer_than_a_paraphrase(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="negation")
    app.pills(key=f"{PREFIX}negation_guess").set_value("the paraphrase").run()
    app.button(key=f"{PREFIX}negation_reveal").click().run()
    assert "it is **the negation**" in said(app)
    type_into(app, paraphrase="I like ham")
    assert "Here the model tells them apart" in said(app)
    type_into(app, negated="")
    assert "All three are needed" in said(app)


def test_words_without_a_common_lexeme(open_page: OpenPage) -> None:
    app = open_page(PAGE, step="other")
    assert "by words their similarity is 0, by the model it is 0.81" in said(app)
    assert "`cat`, `kitten`, `ham`, `sandwich`" in said(app)
    type_phrases(app, "the of", "the kitten", "", "")
    assert "A has no lexeme" in said(app)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("all-MiniLM-L6-v2", "This is the model on the left"),
        ("openai:", "names a service, but no model of it"),
        ("openai:text-embedding-3-small", "key"),
    ],
)
def test_models_that_cannot_be_had(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, model: str, sentence: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    app = choose_model(open_page, model)
    assert sentence in said(app)


def test_a_model_that_is_not_here(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    embedder = get_embedder("nobody/nothing-of-the-kind")
    with pytest.raises(ModelUnavailable):
        embedder.load()
    app = choose_model(open_page, embedder.name)
    assert "is not on this computer, and the Hugging Face hub cannot be reached" in said(app)


def test_a_model_in_a_folder(open_page: OpenPage) -> None:
    embedder = get_embedder(str(packaged_folder()))
    embedder.load()
    app = choose_model(open_page, embedder.name)
    assert "Another space with another scale" in said(app)
    assert not app.error


def test_phrases_stay_and_stand_in_a_link_made_on_purpose(open_page: OpenPage) -> None:
    app = type_phrases(open_page(PAGE), "a dog", "the kitten", "the ham sandwich", "cheese")
    assert "a" not in app.query_params
    app.query_params["step"] = "remember"
    app.run()
    assert "(?a=a+dog&d=cheese)" in said(app)
    linked = open_page(PAGE, step="near", a="a dog", d="cheese")
    assert typed(linked) == [
        "a dog", "the kitten", "the ham sandwich", "cheese",
    ]  # fmt: skip
    assert MAX_LINK_CHARS < 8_000
