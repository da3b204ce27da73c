"""The errors of the contract, as those of a connector."""

import functools
import traceback

from componentize_py_types import Err
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
            raise Err(connector.ConnectorError_Other(in_words(error))) from error

    return wrapped


def in_words(error: Exception) -> str:
    """An error and where it was raised.

    Without the lines themselves, which are in files: there are none at run time.
    """
    frames = traceback.walk_tb(error.__traceback__)
    places = [f"{frame.f_code.co_filename}:{line}" for frame, line in frames]
    return f"{type(error).__name__}: {error} ({', '.join(places)})"


def of_connector(error):
    """The error of an activity, as one of a connector; what is one already is left."""
    match error:
        case loket.ActivityError_Denied(denial):
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
        case _ if isinstance(error, connector.ConnectorError):
            return error
        case _:
            return connector.ConnectorError_Other(f"an error that is of no activity: {error!r}")
