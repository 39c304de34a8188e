# SPDX-License-Identifier: Apache-2.0
"""Credentials of every kind, by google-auth; tokens, scopes and self-signed tokens."""

import base64
import json
import subprocess
import sys
import time

import google.auth.exceptions
import google.auth.jwt
import google.oauth2.credentials
import google.oauth2.service_account
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import Forbidden
from google.auth import crypt
from google.auth.transport.requests import Request

from running import Plain, error_of, module_fixture

started, google_standin = module_fixture(auth="verify")

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
AUDIENCE = "https://oauth2.googleapis.com/token"


@pytest.fixture
def standin(google_standin):
    return google_standin


@pytest.fixture
def key(standin):
    """A service account's key file, as a dict."""
    return json.loads(standin.service_account("loader").read_text())


@pytest.fixture
def storage(standin):
    return Plain(standin.gcs)


@pytest.fixture
def auth(standin):
    return Plain(standin.auth)


def token_of(standin, path, scopes=(CLOUD,)):
    credentials = standin.load_credentials(path, scopes)
    credentials.refresh(Request())
    return credentials.token


def claims_of(key, **changes):
    now = int(time.time())
    claims = {"iss": key["client_email"], "scope": CLOUD, "aud": AUDIENCE, "iat": now, "exp": now + 3600, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def signed(key, claims, key_id=None):
    return google.auth.jwt.encode(crypt.RSASigner.from_service_account_info(key), claims, key_id=key_id).decode()


def exchange(auth, assertion):
    return auth("POST", "/token", data={"grant_type": JWT_BEARER, "assertion": assertion})


def bearer_works(storage, token):
    return storage("GET", "/storage/v1/b?project=test-project", token).status_code


# Service account keys -----------------------------------------------------------------------------

def test_a_key_gives_a_token_that_works(standin, storage):
    """https://developers.google.com/identity/protocols/oauth2/service-account#httprest"""
    token = token_of(standin, standin.service_account("loader"))
    assert bearer_works(storage, token) == 200
    assert standin.calls("storage.buckets.list")[0]["identity"] == "loader@test-project.iam.gserviceaccount.com"


def test_the_token_answer(auth, key):
    """https://developers.google.com/identity/protocols/oauth2/service-account#httprest"""
    answer = exchange(auth, signed(key, claims_of(key)))
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer" and 3590 <= body["expires_in"] <= 3600 and body["access_token"]
    assert "refresh_token" not in body


def test_another_key_of_the_account_is_not_its_key(auth, key):
    """A real signature check: the same claims, signed by a key that the account does not have."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    answer = exchange(auth, signed({**key, "private_key": other}, claims_of(key)))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant",
                                                         "error_description": "Invalid JWT Signature."})


def test_a_changed_claim_breaks_the_signature(auth, key):
    head, _, signature = signed(key, claims_of(key)).split(".")
    claims = (
        base64.urlsafe_b64encode(json.dumps(claims_of(key, scope=CLOUD + " openid")).encode()).rstrip(b"=").decode()
    )
    assert exchange(auth, f"{head}.{claims}.{signature}").json()["error_description"] == "Invalid JWT Signature."


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS384"])
def test_only_rs256(auth, key, algorithm):
    """https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests"""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    signature = signed(key, claims_of(key)).split(".")[2]
    answer = exchange(auth, f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims_of(key))}.{signature}")
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("changes, description", [
    ({"iss": "nobody@test-project.iam.gserviceaccount.com"}, "account not found"),
    ({"exp": 4102444800}, "short-lived token (60 minutes)"),
    ({"iat": 1700000000, "exp": 1700003600}, "short-lived token (60 minutes)"),
    ({"iat": None}, "short-lived token (60 minutes)"),
    ({"aud": "https://example.com/token"}, "Failed audience check"),
    ({"aud": None}, "Failed audience check"),
])
def test_claims_are_checked(auth, key, changes, description):
    """https://developers.google.com/identity/protocols/oauth2/service-account#error-codes"""
    answer = exchange(auth, signed(key, claims_of(key, **changes)))
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant"
    assert description in answer.json()["error_description"]


def test_a_clock_that_is_ahead(auth, key):
    now = int(time.time())
    assert exchange(auth, signed(key, claims_of(key, iat=now + 60, exp=now + 3600))).status_code == 200
    assert exchange(auth, signed(key, claims_of(key, iat=now + 3000, exp=now + 3600))).status_code == 400


@pytest.mark.parametrize("scope", [None, "", "bigquery", "https://example.com/auth/bigquery"])
def test_scopes_are_checked(auth, key, scope):
    answer = exchange(auth, signed(key, claims_of(key, scope=scope)))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_the_key_id_selects_the_key(auth, standin, key):
    """Two keys of one account: each works under its own id only."""
    second = json.loads(standin.service_account("loader").read_text())
    assert second["private_key_id"] != key["private_key_id"]
    assert exchange(auth, signed(second, claims_of(key))).status_code == 200
    wrong = signed(second, claims_of(key), key_id=key["private_key_id"])
    assert exchange(auth, wrong).json()["error_description"] == "Invalid JWT Signature."


def test_domain_wide_delegation_is_not_granted(auth, key):
    """https://developers.google.com/identity/protocols/oauth2/service-account#delegatingauthority"""
    answer = exchange(auth, signed(key, claims_of(key, sub="boss@example.com")))
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized_client")


def test_a_disabled_account_gets_nothing(standin, storage):
    path = standin.service_account("gone")
    token = token_of(standin, path)
    standin.tokens(disable="gone@test-project.iam.gserviceaccount.com")
    assert bearer_works(storage, token) == 401
    with pytest.raises(google.auth.exceptions.RefreshError, match="account not found"):
        token_of(standin, path)


@pytest.mark.parametrize("options, error", [
    ({"data": {}}, "invalid_request"),
    ({"data": {"grant_type": "password"}}, "unsupported_grant_type"),
    ({"data": {"grant_type": JWT_BEARER}}, "invalid_request"),
    ({"data": {"grant_type": JWT_BEARER, "assertion": "a.b"}}, "invalid_grant"),
    ({"json": {"grant_type": JWT_BEARER}}, "invalid_request"),
    ({"data": "grant_type=a&grant_type=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
     "invalid_request"),
])
def test_requests_that_are_none(auth, options, error):
    """RFC 6749, section 5.2"""
    answer = auth("POST", "/token", **options)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_the_token_endpoint_takes_posts_only(auth):
    assert auth("GET", "/token").status_code == 405


# People -------------------------------------------------------------------------------------------

def test_a_refresh_token(standin, storage):
    """https://developers.google.com/identity/protocols/oauth2/web-server#offline"""
    credentials = standin.load_credentials(standin.authorized_user("ann@example.com"))
    credentials.refresh(Request())
    assert bearer_works(storage, credentials.token) == 200
    assert standin.calls("storage.buckets.list")[0]["identity"] == "ann@example.com"


def test_a_revoked_login(standin, storage):
    credentials = standin.load_credentials(standin.authorized_user("bob@example.com"))
    credentials.refresh(Request())
    standin.tokens(revoke="bob@example.com")
    assert bearer_works(storage, credentials.token) == 401
    with pytest.raises(google.auth.exceptions.RefreshError, match="Token has been expired or revoked"):
        credentials.refresh(Request())


@pytest.mark.parametrize("change, status, error", [
    ({"client_id": "other"}, 401, "invalid_client"),
    ({"client_secret": "other"}, 401, "invalid_client"),
    ({"refresh_token": "other"}, 400, "invalid_grant"),
    ({"refresh_token": ""}, 400, "invalid_request"),
])
def test_a_login_that_does_not_fit(standin, auth, change, status, error):
    info = json.loads(standin.authorized_user("cat@example.com").read_text())
    form = {name: info[name] for name in ("client_id", "client_secret", "refresh_token")}
    answer = auth("POST", "/token", data={"grant_type": "refresh_token", **form, **change})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_revoke_and_tokeninfo(standin, auth, storage):
    """https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke"""
    token = token_of(standin, standin.service_account("loader"))
    info = auth("GET", f"/tokeninfo?access_token={token}").json()
    assert info["email"] == "loader@test-project.iam.gserviceaccount.com" and info["scope"] == CLOUD
    assert auth("POST", "/revoke", data={"token": token}).status_code == 200
    assert bearer_works(storage, token) == 401
    assert auth("GET", f"/tokeninfo?access_token={token}").json()["error"] == "invalid_token"


# Workload identity federation ---------------------------------------------------------------------

@pytest.mark.parametrize("options", [{"source": "file"}, {"source": "url"}, {"source": "url", "format": "json"}])
def test_a_workload(standin, storage, options):
    """https://google.aip.dev/auth/4117: a subject token is exchanged by the Security Token Service"""
    path = standin.external_account("repo:acme/etl", **options)
    credentials = standin.load_credentials(path)
    credentials.refresh(Request())
    assert bearer_works(storage, credentials.token) == 200
    assert standin.calls("storage.buckets.list")[0]["identity"].endswith(
        "workloadIdentityPools/standin-pool/subject/repo:acme/etl")
    assert list(standin.counts()) == [*(["idp.subjectToken"] if options["source"] == "url" else []), "sts.token",
                                      "storage.buckets.list"]


def test_a_workload_that_acts_as_a_service_account(standin, storage):
    path = standin.external_account("etl", impersonate="loader")
    credentials = standin.load_credentials(path)
    credentials.refresh(Request())
    assert bearer_works(storage, credentials.token) == 200
    assert standin.calls("storage.buckets.list")[0]["identity"] == "loader@test-project.iam.gserviceaccount.com"
    assert "iamcredentials.projects.serviceAccounts.generateAccessToken" in standin.counts()


@pytest.mark.parametrize("options, text", [
    ({"seconds": -1}, "stale"),
    ({"audience": "https://elsewhere.example.com"}, "audience"),
])
def test_a_subject_token_that_does_not_hold(standin, options, text):
    with pytest.raises(google.auth.exceptions.OAuthError, match=text):
        token_of(standin, standin.external_account("etl", **options))


def test_a_subject_token_of_somebody_else(standin):
    path = standin.external_account("etl")
    subject = standin.folder / "subject-token"
    head, claims, signature = subject.read_text().split(".")
    subject.write_text(f"{head}.{claims}.{signature[:-8]}AAAAAAAA")
    with pytest.raises(google.auth.exceptions.OAuthError, match="invalid_grant"):
        token_of(standin, path)


@pytest.mark.parametrize(
    "change, error",
    [
        (
            {"audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x/providers/y"},
            "invalid_target",
        ),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
    ],
)
def test_the_exchange_is_checked(standin, auth, change, error):
    """https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token"""
    info = json.loads(standin.external_account("etl").read_text())
    form = {
        "grant_type": EXCHANGE,
        "audience": info["audience"],
        "scope": CLOUD,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": info["subject_token_type"],
        "subject_token": (standin.folder / "subject-token").read_text(),
    }
    good = auth("POST", "/v1/token", data=form)
    assert good.status_code == 200
    assert good.json()["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    answer = auth("POST", "/v1/token", data={**form, **change})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


# Impersonation ------------------------------------------------------------------------------------

def test_impersonated_credentials(standin, storage):
    """https://google.aip.dev/auth/4118 with a service account's key as source"""
    token = token_of(standin, standin.impersonated("writer", source=standin.service_account("deployer")))
    assert bearer_works(storage, token) == 200
    assert standin.calls("storage.buckets.list")[0]["identity"] == "writer@test-project.iam.gserviceaccount.com"


def test_a_person_who_acts_as_a_service_account(standin, storage):
    """https://google.aip.dev/auth/4118 with a login as source"""
    assert bearer_works(storage, token_of(standin, standin.impersonated("writer"))) == 200
    assert standin.calls("storage.buckets.list")[0]["identity"] == "writer@test-project.iam.gserviceaccount.com"


def impersonated_token(standin, info, **body):
    """The call as the file asks for it, so that its parts can be changed."""
    source = standin.folder / "source.json"
    source.write_text(json.dumps(info["source_credentials"]))
    url = info["service_account_impersonation_url"]
    return Plain("")(
        "POST", url, token_of(standin, source), json={"delegates": [], "scope": [CLOUD], "lifetime": "3600s", **body}
    )


@pytest.fixture
def impersonator(standin):
    return json.loads(standin.impersonated("writer", source=standin.service_account("deployer")).read_text())


def test_impersonation_needs_the_permission(standin, impersonator):
    """https://docs.cloud.google.com/iam/docs/service-account-permissions#token-creator-role"""
    deployer = "deployer@test-project.iam.gserviceaccount.com"
    standin.permissions(deployer, allow=["roles/bigquery.jobUser"])
    answer = impersonated_token(standin, impersonator)
    assert answer.status_code == 403 and "iam.serviceAccounts.getAccessToken" in answer.json()["error"]["message"]
    resource = "projects/test-project/serviceAccounts/writer@test-project.iam.gserviceaccount.com"
    standin.permissions(deployer, grants=[{"role": "roles/iam.serviceAccountTokenCreator", "resource": resource}])
    assert set(impersonated_token(standin, impersonator).json()) == {"accessToken", "expireTime"}


@pytest.mark.parametrize(
    "body",
    [{"lifetime": "7200s"}, {"lifetime": "an hour"}, {"scope": []}, {"scope": ["bigquery"]}, {"scopes": [CLOUD]}],
)
def test_impersonation_is_checked(standin, impersonator, body):
    """https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""
    assert impersonated_token(standin, impersonator, **body).status_code == 400


def test_impersonation_of_nobody(standin, impersonator):
    url = impersonator["service_account_impersonation_url"].replace("writer@", "nobody@")
    assert impersonated_token(standin, {**impersonator, "service_account_impersonation_url": url}).status_code == 404


def test_a_chain_of_delegates(standin, impersonator):
    """deployer → middle → writer: each needs the permission on the next."""
    standin.service_account("middle")
    account = "{}@test-project.iam.gserviceaccount.com".format
    creator = "roles/iam.serviceAccountTokenCreator"
    resource = "projects/test-project/serviceAccounts/{}@test-project.iam.gserviceaccount.com".format
    standin.permissions(account("deployer"), grants=[{"role": creator, "resource": resource("middle")}])
    standin.permissions(account("middle"), grants=[{"role": creator, "resource": resource("writer")}])
    assert impersonated_token(standin, impersonator).status_code == 403
    chain = [f"projects/-/serviceAccounts/{account('middle')}"]
    assert impersonated_token(standin, impersonator, delegates=chain).status_code == 200


# Metadata server ----------------------------------------------------------------------------------

FLAVOR = {"Metadata-Flavor": "Google"}
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"


def test_the_flavor_is_asked_for(standin, auth):
    """https://docs.cloud.google.com/compute/docs/metadata/querying-metadata#required-headers"""
    standin.metadata_account("vm")
    assert auth("GET", ACCOUNT + "token").status_code == 403
    assert auth("GET", ACCOUNT + "token", headers={**FLAVOR, "X-Forwarded-For": "10.0.0.1"}).status_code == 403
    answer = auth("GET", ACCOUNT + "token", headers=FLAVOR)
    assert answer.status_code == 200 and answer.headers["Metadata-Flavor"] == "Google"
    assert set(answer.json()) == {"access_token", "expires_in", "token_type"}


def test_what_the_metadata_server_tells(standin, auth):
    standin.metadata_account("vm")

    def text(path):
        answer = auth("GET", path, headers=FLAVOR)
        assert answer.status_code == 200, path
        return answer.text

    assert text("/computeMetadata/v1/project/project-id") == "test-project"
    assert text("/computeMetadata/v1/universe/universe-domain") == "googleapis.com"
    assert text(ACCOUNT + "email") == "vm@test-project.iam.gserviceaccount.com"
    assert json.loads(text(ACCOUNT + "?recursive=true"))["aliases"] == ["default"]
    assert auth("GET", "/computeMetadata/v1/instance/nothing", headers=FLAVOR).status_code == 404
    assert auth("GET", "/", headers=FLAVOR).headers["Metadata-Flavor"] == "Google"


def test_a_machine_without_an_account(standin, auth):
    standin.metadata_account(None)
    assert auth("GET", ACCOUNT + "token", headers=FLAVOR).status_code == 404
    assert auth("GET", "/computeMetadata/v1/project/project-id", headers=FLAVOR).status_code == 200


def test_metadata_tokens_are_cached_and_replaced(standin, auth, storage):
    """https://docs.cloud.google.com/compute/docs/access/authenticate-workloads#applications"""
    standin.metadata_account("vm")
    first, second = (auth("GET", ACCOUNT + "token", headers=FLAVOR).json()["access_token"] for _ in range(2))
    assert first == second and bearer_works(storage, first) == 200
    standin.tokens(expire="vm@*")
    third = auth("GET", ACCOUNT + "token", headers=FLAVOR).json()["access_token"]
    assert third != first and bearer_works(storage, first) == 401 and bearer_works(storage, third) == 200


def test_default_credentials_on_a_machine(standin):
    """google.auth.default() in a process that has nothing but the metadata server."""
    standin.metadata_account("vm")
    code = ("import google.auth, google.auth.transport.requests as t; c, p = google.auth.default(); "
            "c.refresh(t.Request()); print(p, c.service_account_email, bool(c.token))")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                         env={"PATH": "/usr/bin:/bin", "HOME": str(standin.folder),
                              **{name: value for name, value in standin.environment(metadata=True).items()
                                 if name != "GOOGLE_CLOUD_PROJECT"}})
    assert ran.stdout == "test-project vm@test-project.iam.gserviceaccount.com True\n", ran.stderr


def test_default_credentials_from_a_key(standin):
    path = standin.service_account("loader")
    code = (
        "import google.auth, google.auth.transport.requests as t; "
        f"c, p = google.auth.default(scopes=['{CLOUD}']); c.refresh(t.Request()); print(p, c.service_account_email)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                         env={"PATH": "/usr/bin:/bin", "HOME": str(standin.folder), **standin.environment(path)})
    assert ran.stdout == "test-project loader@test-project.iam.gserviceaccount.com\n", ran.stderr


# Tokens at the services ---------------------------------------------------------------------------

@pytest.mark.parametrize("service, path", [("gcs", "/storage/v1/b?project=p"),
                                           ("bigquery", "/bigquery/v2/projects/p/datasets")])
def test_no_token_and_a_wrong_one(standin, service, path):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes#401-unauthorized"""
    plain = Plain(getattr(standin, service))
    missing, wrong = plain("GET", path), plain("GET", path, "ya29.nothing")
    assert error_of(missing)[:2] == (401, "required") and error_of(wrong)[:2] == (401, "authError")
    assert missing.headers["WWW-Authenticate"].startswith('Bearer realm="https://accounts.google.com/"')
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    assert plain("GET", path, headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_a_token_that_has_expired(standin, storage):
    token = token_of(standin, standin.service_account("loader"))
    assert bearer_works(storage, token) == 200
    standin.tokens(expire="loader@*")
    assert error_of(storage("GET", "/storage/v1/b?project=p", token))[:2] == (401, "authError")


def test_tokens_live_as_long_as_is_said(standin, storage):
    standin.tokens(lifetime=1)
    token = token_of(standin, standin.service_account("loader"))
    assert bearer_works(storage, token) == 200
    time.sleep(1.1)
    assert bearer_works(storage, token) == 401


def test_clients_get_a_new_token_after_a_401(standin):
    """google-auth refreshes once and tries again."""
    client = standin.storage(credentials=standin.load_credentials(standin.service_account("loader")))
    client.create_bucket("one")
    standin.tokens(expire="*")
    client.create_bucket("two")
    assert standin.counts("oauth.token")["oauth.token"] == 2
    assert [call["status"] for call in standin.calls("storage.buckets.insert")] == [200, 401, 200]


def test_scopes_limit_a_token(standin):
    """https://docs.cloud.google.com/storage/docs/authentication#oauth-scopes"""
    standin.storage(credentials=standin.load_credentials(standin.service_account("loader"))).create_bucket("staging")
    client = standin.storage(credentials=standin.load_credentials(standin.service_account("loader"), [READ_ONLY]))
    bucket = client.bucket("staging")
    assert list(client.list_blobs("staging")) == []
    with pytest.raises(Forbidden, match="insufficient authentication scopes"):
        bucket.blob("a").upload_from_string("x", retry=None)


def test_bigquery_scopes(standin):
    """A Cloud Storage scope opens no dataset; auth/bigquery does."""
    path = standin.service_account("loader")
    with pytest.raises(Forbidden, match="insufficient authentication scopes"):
        list(standin.client(credentials=standin.load_credentials(path, [READ_ONLY])).list_datasets(retry=None))
    scope = "https://www.googleapis.com/auth/bigquery"
    assert list(standin.client(credentials=standin.load_credentials(path, [scope])).list_datasets()) == []


def test_bigquery_without_a_token(standin):
    """A token that is none is refused, whatever the client asks for."""
    credentials = google.oauth2.credentials.Credentials("ya29.nothing")
    with pytest.raises(google.auth.exceptions.RefreshError):  # it tries to get another one after the 401
        list(standin.client(credentials=credentials).list_datasets(retry=None))
    assert [call["status"] for call in standin.calls("bigquery.*")] == [401]


# Self-signed tokens -------------------------------------------------------------------------------

def self_signed(key, **claims):
    now = int(time.time())
    return signed(
        key, {"iss": key["client_email"], "sub": key["client_email"], "iat": now, "exp": now + 3600, **claims}
    )


@pytest.mark.parametrize("claims, status", [
    ({"aud": "https://storage.googleapis.com/"}, 200),
    ({"scope": CLOUD}, 200),
    ({"aud": "https://bigquery.googleapis.com/"}, 401),
    ({"aud": "https://storage.googleapis.com"}, 401),
    ({"aud": "https://storage.googleapis.com/", "scope": CLOUD}, 401),
    ({"aud": "https://storage.googleapis.com/", "sub": "other@example.com"}, 401),
    ({"aud": "https://storage.googleapis.com/", "exp": int(time.time()) + 7300}, 401),
    ({"scope": "https://www.googleapis.com/auth/bigquery"}, 403),
    ({}, 401),
])
def test_self_signed_tokens(storage, key, claims, status):
    """https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth, https://google.aip.dev/auth/4111"""
    assert bearer_works(storage, self_signed(key, **claims)) == status


def test_self_signed_tokens_of_google_auth(standin):
    """No call of the token endpoint is needed."""
    credentials = google.oauth2.service_account.Credentials.from_service_account_file(
        standin.service_account("loader"), scopes=[CLOUD], always_use_jwt_access=True)
    credentials._create_self_signed_jwt("https://storage.googleapis.com/")
    standin.storage(credentials=credentials).create_bucket("staging")
    assert "oauth.token" not in standin.counts()


# Secrets ------------------------------------------------------------------------------------------

def test_no_secret_is_recorded(standin):
    """Neither tokens nor keys nor signatures are in the calls or in the record's file."""
    path = standin.service_account("loader")
    user = standin.authorized_user("ann@example.com")
    user_token = standin.load_credentials(user)
    user_token.refresh(Request())
    token = token_of(standin, path)
    subject = token_of(standin, standin.external_account("etl"))
    standin.storage(credentials=standin.load_credentials(path)).create_bucket("staging")
    Plain(standin.gcs)("GET", f"/storage/v1/b?project=p&access_token={token}")
    text = json.dumps(standin.calls()) + standin.record.read_text()
    info = json.loads(user.read_text())
    for secret in (token, subject, user_token.token, info["refresh_token"], info["client_secret"],
                   (standin.folder / "subject-token").read_text(), "eyJ"):
        assert secret not in text
