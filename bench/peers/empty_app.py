"""The smallest app there is: what Streamlit itself takes to its first paint."""

import streamlit as st

st.title("Empty")
