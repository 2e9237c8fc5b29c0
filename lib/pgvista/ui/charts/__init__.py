"""Charts: figures from the model in, Plotly out, in the colours of the theme."""
