import math

from streamlit.testing.v1 import AppTest

from pgvista.model.search import PlanNode
from pgvista.ui.components.panels import _node, milliseconds, shorten_vectors, vector_bars


def test_long_vectors_are_shortened_and_short_ones_stay() -> None:
    numbers = ",".join(str(i / 7) for i in range(1, 385))
    assert shorten_vectors(f"<=> '[{numbers}]'") == "<=> '[0.143, 0.286, … 384 numbers]'"
    assert shorten_vectors("'[1,2,3]'") == "'[1,2,3]'"
    assert shorten_vectors("'[-1e-05, 2.5E+3,3,4,5,6,7,8]'") == "'[-1e-05, 2.5e+03, … 8 numbers]'"
    assert shorten_vectors("array['a','b']") == "array['a','b']"


def test_times_have_a_unit_and_about_three_figures() -> None:
    assert [milliseconds(ms) for ms in (0, 0.417, 4.12, 14.2, 999.4, 2345)] == [
        "0.00 ms",
        "0.42 ms",
        "4.1 ms",
        "14 ms",
        "999 ms",
        "2.3 s",
    ]


def test_the_picture_of_a_long_vector_keeps_its_peaks() -> None:
    values = [0.0] * 384
    values[200] = -0.5
    values[10] = 0.25
    bars = vector_bars(values)
    assert len(bars) == 128
    assert bars[66] == -1.0
    assert bars[3] == 0.5
    assert math.isclose(sum(map(abs, bars)), 1.5)


def test_pictures_of_vectors_that_are_short_zero_or_empty() -> None:
    assert vector_bars([0.6, -0.8]) == [0.75, -1.0]
    assert vector_bars([0.0, 0.0]) == [0.0, 0.0]
    assert vector_bars([]) == []


def test_a_guess_that_is_ten_times_off_is_pointed_out() -> None:
    assert _node(PlanNode("Sort", 0, 1000, 10, 1.0, 1, 0), 2.0)["off"] == "100 times off"
    assert _node(PlanNode("Sort", 0, 5, 500, 1.0, 1, 0), 2.0)["off"] == "100 times off"
    assert _node(PlanNode("Sort", 0, 60, 10, 1.0, 1, 0), 2.0)["off"] == ""


def test_a_plan_without_analyze_has_no_times() -> None:
    node = _node(PlanNode("Seq Scan on docs", 0, 12345, None, None, None, None), 0.0)
    assert (node["time"], node["actual"], node["hit"]) == ("", "", "")
    assert node["estimated"] == "12,345"


def test_an_empty_state_returns_the_button_pressed() -> None:
    def script() -> None:
        import streamlit as st

        from pgvista.ui.components.panels import empty_state

        pressed = empty_state("None yet", "Load *one*.", key="e", actions={"go": "Go", "no": "No"})
        st.text(str(pressed))

    page = AppTest.from_function(script).run()
    assert page.text[0].value == "None"
    assert page.button[1].click().run().text[0].value == "no"


def test_components_are_drawn_without_a_browser() -> None:
    def script() -> None:
        import streamlit as st

        from pgvista.ui.components.live_slider import live_slider
        from pgvista.ui.components.panels import sql_panel, timings_bar, vector_picture

        st.session_state.setdefault("x", 3000.0)
        st.text(str(live_slider("x", key="x", minimum=1, maximum=1000, value=60, log=True)))
        sql_panel("select 1")
        timings_bar({})
        vector_picture([], key="v")

    page = AppTest.from_function(script).run()
    assert not page.exception
    assert page.text[0].value == "1000.0"
    page.session_state["x"] = 12.0
    assert page.run().text[0].value == "12.0"
