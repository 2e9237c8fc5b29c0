"""Collections."""

import streamlit as st

st.title("Collections")
