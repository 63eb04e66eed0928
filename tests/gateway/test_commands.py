"""Wrong input to a command ends in one message that says what to mend, never in a traceback."""

import re
import socket

import pytest

from gateway.cli import main

SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  { query: Query }
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT
directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
directive @link(url: String, for: link__Purpose) repeatable on SCHEMA
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "http://127.0.0.1:1/graphql") }
type Query @join__type(graph: A) { hello(name: String): String  world: String }
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs the command line in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)

    def run_command(*arguments):
        monkeypatch.setattr("sys.argv", ["watersmeet", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run_command


def expect_complaint(outcome, *words):
    code, out, err = outcome
    assert code == 1, (out, err)
    assert out == ""
    assert "Traceback" not in err
    assert re.match(r"[A-Z_]+: ", err), err
    for word in words:
        assert word in err
    return err


def test_plan_prints_the_tree_and_executes_nothing(run, tmp_path):
    (tmp_path / "op.graphql").write_text('{ hello(name: "x") world }')
    code, out, err = run("plan", "--supergraph", "supergraph.graphql", "op.graphql")
    assert (code, err) == (0, "")
    assert out.startswith("QueryPlan")
    assert 'Fetch(service: "a")' in out


def test_plan_without_the_supergraph_names_the_file(run):
    expect_complaint(run("plan", "--supergraph", "missing.graphql", "op.graphql"), "missing.graphql")


def test_plan_over_a_schema_that_is_no_supergraph_says_so(run, tmp_path):
    (tmp_path / "plain.graphql").write_text("type Query { a: Int }")
    (tmp_path / "op.graphql").write_text("{ a }")
    expect_complaint(run("plan", "--supergraph", "plain.graphql", "op.graphql"), "SUPERGRAPH_INVALID")


def test_plan_over_broken_sdl_names_line_and_column(run, tmp_path):
    (tmp_path / "broken.graphql").write_text("type Query {\n  a: \n}")
    (tmp_path / "op.graphql").write_text("{ a }")
    expect_complaint(run("plan", "--supergraph", "broken.graphql", "op.graphql"), "SUPERGRAPH_INVALID")


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        ("{ hello(", "GRAPHQL_PARSING_FAILED", ["op.graphql", "1:"]),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED", ["nothing"]),
        ("{ a: hello } query B { hello }", "GRAPHQL_VALIDATION_FAILED", ["anonymous"]),
    ],
)
def test_plan_of_a_wrong_operation_says_where(run, tmp_path, operation, code, words):
    (tmp_path / "op.graphql").write_text(operation)
    assert expect_complaint(run("plan", "--supergraph", "supergraph.graphql", "op.graphql"), *words).startswith(code)


def test_serve_with_nothing_to_serve_says_what_to_give(run):
    expect_complaint(run("serve", "--open"), "--supergraph")


def test_serve_without_policy_refuses_to_serve_anything(run):
    expect_complaint(run("serve", "--supergraph", "supergraph.graphql"), "access.catalogue", "--open")


def test_serve_on_a_taken_port_names_it(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        expect_complaint(run("serve", "--supergraph", "supergraph.graphql", "--open", "--port", port), port)


def test_an_unknown_setting_is_refused_with_the_nearest_name(run, tmp_path):
    (tmp_path / "gateway.toml").write_text("[server]\nprot = 1\n")
    expect_complaint(run("serve", "--config", "gateway.toml"), "server.prot", "port")


def test_a_setting_of_the_wrong_form_is_named(run, tmp_path):
    (tmp_path / "gateway.toml").write_text('[server]\nworkers = "many"\n')
    expect_complaint(run("settings", "--config", "gateway.toml"), "workers")


def test_a_missing_settings_file_is_named(run):
    expect_complaint(run("serve", "--config", "no.toml"), "no.toml")


def test_compose_of_a_missing_folder_names_it(run):
    expect_complaint(run("compose", "nowhere"), "nowhere")


def test_an_unknown_error_code_brings_the_nearest(run):
    expect_complaint(run("error", "FORBIDDN"), "FORBIDDEN")


def test_an_error_code_is_explained_with_its_remedy(run):
    code, out, _ = run("error", "forbidden")
    assert code == 0
    assert "Mend:" in out


def test_wrong_usage_exits_with_2(run):
    assert run("plan")[0] == 2
    assert run("serve", "--port", "x")[0] == 2
    assert run("nonsense")[0] == 2


def test_every_command_explains_itself(run):
    for command in ("serve", "compose", "plan", "demo", "explain", "error", "settings"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert f"watersmeet {command}" in out
