"""The errors of the contract, as those of a connector."""

import functools
import traceback

from componentize_py_types import Err
from wit_world.imports import exports as files
from wit_world.imports import koppel_connector_types as connector
from wit_world.imports import koppel_loket_types as loket


def connector_errors(function):
    """Makes every error that leaves a connector one of the contract.

    What is a fault of the connector itself would otherwise be a trap without a
    reason: standard error does not exist in this component.
    """

    @functools.wraps(function)
    def wrapped(*arguments):
        try:
            return function(*arguments)
        except Err as error:
            raise Err(of_connector(error.value)) from error
        except Exception as error:
            text = "".join(traceback.format_exception(error))
            raise Err(connector.ConnectorError_Other(text)) from error

    return wrapped


def of_connector(error):
    """The error of an activity or of an export file, as one of a connector."""
    match error:
        case loket.ActivityError_Denied(denial) | files.ExportError_Denied(denial):
            return connector.ConnectorError_Denied(denial)
        case loket.ActivityError_NotFound(entity):
            return connector.ConnectorError_Other(f"not found: {entity}")
        case loket.ActivityError_Invalid(problems):
            texts = "; ".join(problem.description for problem in problems)
            return connector.ConnectorError_Refused(texts)
        case loket.ActivityError_Conflict(text):
            return connector.ConnectorError_Refused(text)
        case loket.ActivityError_Unavailable(seconds):
            return connector.ConnectorError_Unavailable(seconds)
        case loket.ActivityError_Other(text):
            return connector.ConnectorError_Other(text)
        case files.ExportError_InvalidName(text):
            return connector.ConnectorError_Other(f"export file: {text}")
        case files.ExportError_QuotaExceeded(quota):
            return connector.ConnectorError_Refused(
                f"the quota of {quota} bytes for export files is used up"
            )
        case files.ExportError_Other(text):
            return connector.ConnectorError_Other(f"export file: {text}")
        case _:
            return error
