# SPDX-License-Identifier: AGPL-3.0-or-later
"""Credentials that lay on the disk and must be taken for known to the intruder. Where they are is told, never what they are."""

import re
from collections.abc import Iterator

from clean_room_analysis.checks.base import Check, Item, Result
from clean_room_analysis.model import Entry, Severity

_LARGEST = 1024 * 1024
#: name at the end of the path, what it holds, what a line must have to count ("" for any)
_FILES: tuple[tuple[re.Pattern[str], str, re.Pattern[bytes]], ...] = tuple(
    (re.compile(pattern), what, re.compile(holds, re.IGNORECASE | re.MULTILINE))
    for pattern, what, holds in (
        (r"/\.aws/(?:credentials|config)$", "AWS access keys", rb"aws_secret_access_key|aws_session_token"),
        (r"/\.aws/(?:cli|sso)/cache/[^/]+\.json$", "a session of the AWS CLI", rb"accessToken|SecretAccessKey"),
        (r"/\.boto$|/\.s3cfg$|/\.passwd-s3fs$|^/etc/passwd-s3fs$", "AWS access keys", rb"secret|^\S{16,}:\S{20,}"),
        (r"/\.kube/config$|^/etc/kubernetes/(?:admin|super-admin|controller-manager|scheduler|kubelet)\.conf$|/kubeconfig$|^/etc/rancher/[^/]+/[^/]+\.yaml$", "access to a Kubernetes cluster", rb"client-key-data|token:|password:"),
        (r"/serviceaccount/token$|/kubernetes\.io~projected/[^/]+/token$", "a token of a Kubernetes service account", rb"^eyJ"),
        (r"/\.docker/config\.json$|/\.dockercfg$|/containers/auth\.json$|^/var/lib/kubelet/config\.json$", "access to a container registry", rb"\"(?:auth|identitytoken|password)\"\s*:\s*\"[^\"]"),
        (r"/\.git-credentials$|/\.config/git/credentials$", "access to git repositories", rb"://[^/\s:]+:[^@\s]+@"),
        (r"/\.config/gh/hosts\.yml$|/\.config/hub$|/\.config/glab-cli/config\.yml$", "access to git repositories", rb"token:"),
        (r"/\.netrc$|/_netrc$", "passwords of machines", rb"\bpassword\s+\S"),
        (r"/\.npmrc$|/\.yarnrc(?:\.yml)?$", "access to a package registry", rb"_authToken\s*=\s*(?!\$\{)\S|_password\s*=\s*\S|npmAuthToken:\s*\S"),
        (r"/\.pypirc$", "access to a package registry", rb"^\s*password\s*[=:]\s*\S"),
        (r"/\.(?:cargo/credentials(?:\.toml)?|gem/credentials|m2/settings\.xml|composer/auth\.json)$", "access to a package registry", rb"token|:rubygems_api_key|<password>|\"http-basic\"|oauth"),
        (r"/\.pgpass$|/\.my\.cnf$|/\.mylogin\.cnf$|^/etc/mysql/debian\.cnf$", "a password of a database", rb"password\s*=\s*\S|^[^#\n]+:[^:\n]*:[^:\n]*:[^:\n]*:\S|\A[^\w]"),
        (r"/\.config/gcloud/(?:application_default_credentials\.json|credentials\.db|access_tokens\.db|legacy_credentials/.+)$", "access to Google Cloud", rb""),
        (r"/\.azure/(?:accessTokens\.json|msal_token_cache\.(?:json|bin)|service_principal_entries\.json)$", "access to Azure", rb""),
        (r"/\.terraform\.d/credentials\.tfrc\.json$|/\.terraformrc$", "access to Terraform's service", rb"token"),
        (r"/terraform\.tfstate(?:\.backup)?$", "the state of Terraform, which holds secrets", rb"\"(?:password|secret|private_key|token)[^\"]*\"\s*:\s*\"[^\"]"),
        (r"/\.(?:vault-token|pulumi/credentials\.json)$", "access to a store of secrets", rb"."),
        (r"/rclone/rclone\.conf$|/\.config/rclone/rclone\.conf$", "access to stores of files", rb"secret_access_key|pass\s*=|token\s*="),
        (r"/wp-config\.php$", "a password of a database", rb"DB_PASSWORD['\"]\s*,\s*['\"](?!password_here|['\"])[^'\"]"),
        (r"/(?:settings|local_settings)\.py$|/(?:database|secrets|application)\.ya?ml$|/(?:application|config)\.properties$|/appsettings[\w.]*\.json$|/config\.inc\.php$", "passwords of an application", rb"(?:^|[\"'\s._])(?:password|secret[_-]?key|passwd|aws_secret_access_key)[\"']?\s*[:=>]+\s*[\"']?(?![\"'\s$<{%]|None|null|true|false|env|os\.)[^\s\"',;]{4}"),
    )
)  # fmt: skip
_ENVIRONMENT = re.compile(r"/(?:\.env(?:\.[\w.-]+)?|[\w.-]+\.env|env\.sh|\.envrc)$")
_ENVIRONMENT_HOLDS = re.compile(
    rb"^\s*(?:export\s+)?\w*(?:SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|DATABASE_URL|CREDENTIALS?)\w*\s*=\s*[\"']?(?!$|[\"']|\$\{|<|x{3}|your|change|example|secret\b|null)[^\s\"']{4}",
    re.IGNORECASE | re.MULTILINE,
)
_SAMPLES = re.compile(r"\.(?:example|sample|dist|template|tmpl|default|test|ci)$|/(?:examples?|samples?|tests?|fixtures?|docs?|testdata)/")
_KEY = re.compile(
    rb"-----BEGIN (?:(?:RSA|DSA|EC|OPENSSH|ENCRYPTED) )?PRIVATE KEY-----|PuTTY-User-Key-File-|-----BEGIN PGP PRIVATE KEY BLOCK-----"
)
_KEY_NAME = re.compile(
    r"/(?:id_(?:rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk)|identity|[^/]+\.(?:pem|key|ppk|p8|asc)|ssh_host_\w+_key)$|/\.ssh/(?!known_hosts|authorized_keys|config)[^/.]+$"
)
#: Keys of tests and examples that come with software; and what the machine cannot do without.
_SOFTWARE = re.compile(
    r"^/(?:usr/(?:lib|lib64|share|src|include|local/lib|libexec)|snap|lib)/|/(?:site-packages|dist-packages|node_modules|vendor|gems|\.cargo/registry|go/pkg|pyenv|\.git/objects)/"
)


class Credentials(Check):
    """T1552.001 (credentials in files), T1552.004 (private keys)."""

    name = "exposed-credentials"

    def wants(self, entry: Entry) -> bool:
        if not entry.is_file or not 0 < entry.size <= _LARGEST:
            return False
        path = entry.logical
        if _SOFTWARE.search(path) or _SAMPLES.search(path):
            return False
        return _KEY_NAME.search(path) is not None or self._kind(path) is not None

    @staticmethod
    def _kind(path: str) -> tuple[str, re.Pattern[bytes]] | None:
        if _ENVIRONMENT.search(path):
            return "secrets of an application", _ENVIRONMENT_HOLDS
        return next(((what, holds) for pattern, what, holds in _FILES if pattern.search(path)), None)

    def look(self, item: Item) -> Iterator[Result]:
        path = item.path
        content = item.tree.read(item.entry.path, _LARGEST)
        if _KEY_NAME.search(path) and (key := _KEY.search(content[:4096])):
            protected = b"ENCRYPTED" in content[:4096] or b"Encryption: aes" in content[:4096]
            own = path.startswith("/etc/ssh/ssh_host_")
            what = "The private key of this machine" if own else "A private key"
            severity = Severity.INFORMATIONAL if own or protected else Severity.LOW
            kind = key.group().decode("ascii").strip("- ").removeprefix("BEGIN ")
            yield self.found(
                item,
                severity,
                f"{what} lies on the disk: replace it",
                f"{kind}{', with a passphrase' if protected else ''}",
                ("T1552.004",),
            )
            return
        kind_of_file = self._kind(path)
        if kind_of_file is not None and kind_of_file[1].search(content):
            yield self.found(
                item,
                Severity.LOW,
                f"{kind_of_file[0][0].upper()}{kind_of_file[0][1:]} on the disk: replace them",
                f"mode {item.entry.mode & 0o7777:04o}, owner {item.entry.user}:{item.entry.group}; the content is not quoted",
                ("T1552.001",),
            )
