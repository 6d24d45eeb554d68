import re

from asl.drawing.mermaid import render_mermaid
from tests.support.workflows import ODD_NAMES, nested, passing
from tests.unit.asl.drawing.test_svg import ONE


def test_a_workflow_is_a_flowchart() -> None:
    assert render_mermaid(ONE).splitlines() == [
        "flowchart TD",
        '    n0(("Start"))',
        '    n1{{"Is it free?<br/>Choice"}}',
        '    n2["Take/it<br/>Task · take"]',
        '    n3[["Sorry<br/>Fail · NoLuck"]]',
        '    n4(("End"))',
        "    n0 --> n1",
        '    n1 -- "$.n #62; 0" --> n2',
        '    n1 -- "Default" --> n3',
        '    n2 -. "Gone" .-> n3',
        "    n2 --> n4",
        "    n3 --> n4",
    ]


def test_scopes_are_subgraphs() -> None:
    lines = render_mermaid(nested(2)).splitlines()

    begun = sum(line.strip().startswith("subgraph ") for line in lines)
    assert begun == sum(line.strip() == "end" for line in lines) == 5
    assert '    subgraph n1 ["level-1<br/>Map"]' in lines
    assert '        subgraph n1s0 ["Each item"]' in lines


def test_what_mermaid_would_read_is_written_as_entities() -> None:
    chart = render_mermaid(passing(*ODD_NAMES))

    for quoted in re.findall(r'"(.*)"', chart):
        text = re.sub(r"#\d+;|<br/>", "", quoted)
        assert not re.search(r'["<>&;#\x00-\x1f]', text)
