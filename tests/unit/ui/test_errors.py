import pytest
from streamlit.testing.v1 import AppTest

from pgvista.ui.errors import guarded


def test_message_and_hint_are_shown_as_plain_text() -> None:
    def script() -> None:
        from pgvista.errors import InvalidInput
        from pgvista.ui.errors import show_error

        show_error(InvalidInput("No *such* `column`.", "Try [this](x)."))

    page = AppTest.from_function(script).run()
    assert page.error[0].value == r"**No \*such\* \`column\`\.**" + "  \n" + r"Try \[this\]\(x\)\."


def test_the_page_goes_on_after_a_guarded_block_or_ends_when_asked() -> None:
    def script() -> None:
        import streamlit as st

        from pgvista.errors import NotFound
        from pgvista.ui.errors import guarded

        with guarded():
            raise NotFound("Gone.")
        st.text("on")

        @guarded(stop=True)
        def page() -> None:
            raise NotFound("Gone again.")

        page()
        st.text("never")

    page = AppTest.from_function(script).run()
    assert [box.value for box in page.error] == [r"**Gone\.**", r"**Gone again\.**"]
    assert [text.value for text in page.text] == ["on"]


def test_faults_of_our_own_are_passed_on() -> None:
    with pytest.raises(KeyError), guarded():
        raise KeyError("x")


def test_what_a_person_stopped_is_no_error() -> None:
    def script() -> None:
        from pgvista.errors import Cancelled
        from pgvista.ui.errors import show_error

        show_error(Cancelled("Loading was stopped."))

    page = AppTest.from_function(script).run()
    assert not page.error
    assert page.info[0].value == r"**Loading was stopped\.**"
