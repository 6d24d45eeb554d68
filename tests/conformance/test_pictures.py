"""Every definition of the cases is drawn without overlap, and the same each time."""

from xml.etree import ElementTree

from asl.drawing.arrange import arrange
from asl.drawing.mermaid import render_mermaid
from asl.drawing.svg import render_svg
from asl.graph import build_graph
from tests.conformance.definitions import definitions
from tests.support.pictures import flaws


def test_nothing_in_a_picture_overlaps_or_sticks_out() -> None:
    found = {
        name: problems
        for name, definition in definitions()
        if (problems := list(flaws(arrange(build_graph(definition)))))
    }

    assert found == {}


def test_every_picture_is_well_formed_and_names_every_state() -> None:
    for name, definition in definitions():
        drawn = ElementTree.fromstring(render_svg(definition, name))

        shown = [g.get("data-state") for g in drawn.iter() if g.get("data-state")]
        nodes = build_graph(definition).all_nodes()
        states = [node.name for node in nodes if node.kind not in ("Start", "End")]
        assert sorted(map(str, shown)) == sorted(filter(None, states))


def test_a_definition_is_always_drawn_alike() -> None:
    for name, definition in definitions():
        assert render_svg(definition, name) == render_svg(definition, name)
        assert render_mermaid(definition) == render_mermaid(definition)
