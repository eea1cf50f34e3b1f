"""Corrections to Step Functions. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""

from typing import Any


def install() -> None:
    """See the function below."""
    let_states_all_pass_terminal_errors()


def let_states_all_pass_terminal_errors() -> None:
    """
    States.ALL catches neither States.Runtime, such as a path that names nothing, nor States.DataLimitExceeded. LocalEmu catches both,
    so that a workflow looks as if it could handle what ends it in AWS.
    """
    from localemu.services.stepfunctions.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
    from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
    from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name_type import StatesErrorNameType

    terminal = [
        StatesErrorName(typ=each) for each in (StatesErrorNameType.StatesRuntime, StatesErrorNameType.StatesStatesDataLimitExceeded)
    ]
    matches = ErrorEqualsDecl._eval_body

    def evaluate(declared: Any, env: Any) -> None:
        if env.stack[-1] in terminal and env.stack[-1] not in declared.error_names:
            env.stack[-1] = False
            return
        matches(declared, env)

    ErrorEqualsDecl._eval_body = evaluate
