"""What schemathesis cannot know by itself: how to log in, and identifiers
that exist, so that more comes back than refusals."""

import base64
import hashlib
import html
import os
import random
import re
import secrets
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis

URL = os.environ["KOPPEL_URL"]
CLIENT = "hr-portal"
REDIRECT_URI = "http://127.0.0.1:9000/back"
ACCEPT = "application/json;version=2025-01-01"


def log_in():
    """The authorization code flow, as an application and a browser do it."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    browser = requests.Session()
    page = browser.get(
        f"{URL}/oauth/authorize",
        params={
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        },
    )
    page.raise_for_status()
    ticket = html.unescape(re.search(r'name="ticket" value="([^"]*)"', page.text)[1])
    answer = browser.post(
        f"{URL}/oauth/authorize",
        data={
            "ticket": ticket,
            "user": os.environ["KOPPEL_USER"],
            "password": os.environ["KOPPEL_PASSWORD"],
        },
        allow_redirects=False,
    )
    answer.raise_for_status()
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    tokens = requests.post(
        f"{URL}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": REDIRECT_URI,
        },
    )
    tokens.raise_for_status()
    return tokens.json()["access_token"]


@schemathesis.auth(refresh_interval=300)
class Login:
    def get(self, case, context):
        return log_in()

    def set(self, case, token, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {token}"


def known(token):
    """Identifiers that exist, by the name of the parameter."""
    headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT}

    def items(path):
        reply = requests.get(f"{URL}/v2{path}", headers=headers)
        reply.raise_for_status()
        return reply.json()["_embedded"]

    def ids(path):
        return [item["id"] for item in items(path)]

    employers = ids("/providers/employers")
    administrations = [
        one for employer in employers for one in ids(f"/providers/employers/{employer}/payrolladministrations")
    ]
    below = "/providers/employers/payrolladministrations"
    messages = [
        one for employer in employers for one in items(f"/providers/employers/{employer}/messages")
    ]
    return {
        "employerId": employers,
        "payrollAdministrationId": administrations,
        "payrollrunId": [one for of in administrations for one in ids(f"{below}/{of}/payrollruns")],
        "journalrunId": [one for of in administrations for one in ids(f"{below}/{of}/journalruns")],
        "applicationId": [os.environ["KOPPEL_APPLICATION"]],
        "licensePlateNumber": ["11ZKZ3", "GP586D"],
        "messageId": [one["id"] for one in messages],
        "runId": [one["runId"] for one in messages],
        "client": ["journal-xaf", "journal-exact"],
    }


KNOWN = None
CHOOSE = random.Random(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts identifiers that exist into most calls that are meant to be right."""
    global KNOWN
    if KNOWN is None:
        KNOWN = known(log_in())
    positive = case.meta is None or case.meta.generation.mode.is_positive
    if not positive:
        return
    # A schema cannot say that a period ends after it begins.
    query = case.query or {}
    if "since" in query and "until" in query:
        del query[CHOOSE.choice(["since", "until"])]
    if CHOOSE.random() < 0.2:
        return
    for values in (case.path_parameters, case.query):
        for name in values or {}:
            if name in KNOWN:
                values[name] = CHOOSE.choice(KNOWN[name])
