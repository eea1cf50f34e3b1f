import type { Condition, PolicyDocument, Principal, Statement } from "./iamDocument";
import { accountOfArn, type Ownership } from "./ownership";
import { sendsSource, type Receiver } from "./serviceSources";
import { UNKNOWN } from "./values";

/** What a value of a condition key must be, literally, so that only the estate is meant. */
type Kind = "account" | "organization" | "organizationPath" | "arn";

/** Keys that say who calls, by IAM's reference of global condition keys and those of KMS and S3. */
const CALLER: Record<string, Kind> = {
    "aws:principalaccount": "account",
    "aws:principalarn": "arn",
    "aws:principalorgid": "organization",
    "aws:principalorgpaths": "organizationPath",
    "aws:federatedprovider": "arn",
    "ec2:sourceinstancearn": "arn",
    "kms:calleraccount": "account",
    "lambda:sourcefunctionarn": "arn",
    // AWS's way to hand a bucket over to the policies of its account's access points, which are judged themselves.
    "s3:dataaccesspointaccount": "account",
    "s3:dataaccesspointarn": "arn",
};

/** Keys that say for whom a service acts. */
const SOURCE: Record<string, Kind> = {
    "aws:sourceaccount": "account",
    "aws:sourcearn": "arn",
    "aws:sourceorgid": "organization",
    "aws:sourceorgpaths": "organizationPath",
    // In the policy that SNS gives every topic.
    "aws:sourceowner": "account",
};

/** Keys that say whose resource is used. */
const RESOURCE: Record<string, Kind> = {
    "aws:resourceaccount": "account",
    "aws:resourceorgid": "organization",
    "aws:resourceorgpaths": "organizationPath",
    "s3:resourceaccount": "account",
};

/** What a service says of the resource it encrypts for: a source, in a key's policy. */
const ENCRYPTION_CONTEXT_ARN = /^kms:encryptioncontext:aws:[a-z0-9-]+:(arn|[a-z]*arn)$/;

/** Operators under which a key that is absent, or has another value, refuses. ForAllValues and IfExists let an absent key through. */
const BINDING = /^(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)$/;

/** Whether a condition leaves nobody in but the estate: a binding operator, and nothing but literal values of the estate. */
export function bindsCaller(condition: Condition, whose: Ownership): boolean {
    return bindsTo(condition, CALLER[condition.key] ?? SOURCE[condition.key], whose);
}

/** Whether a condition leaves a service to act for nobody but the estate. */
export function bindsSource(condition: Condition, whose: Ownership): boolean {
    return bindsTo(condition, SOURCE[condition.key] ?? (ENCRYPTION_CONTEXT_ARN.test(condition.key) ? "arn" : undefined), whose);
}

function bindsTo({ operator, values }: Condition, kind: Kind | undefined, whose: Ownership): boolean {
    if (kind === undefined || !BINDING.test(operator) || values.length === 0) {
        return false;
    }
    // What is not known yet is an output of the stack's own; the update shows it.
    return values.every((value) => value === UNKNOWN || isOurs(value, kind, whose));
}

function isOurs(value: string, kind: Kind, whose: Ownership): boolean {
    switch (kind) {
        case "account":
            return whose.isOurAccount(value);
        case "organization":
            return whose.isOurOrganization(value);
        case "organizationPath": {
            const [organization, ...path] = value.split("/");
            return path.length > 0 && whose.isOurOrganization(organization);
        }
        case "arn":
            return whose.isOurArn(value);
    }
}

/** Whether some condition of a statement leaves no resource in but those of the estate. */
export function isBoundToOurResources(statement: Statement, whose: Ownership): boolean {
    return statement.conditions.some((condition) => bindsTo(condition, RESOURCE[condition.key], whose));
}

/** Whether some condition of a statement leaves nobody in but the estate. */
export function isBoundToEstate(statement: Statement, whose: Ownership): boolean {
    return statement.conditions.some((condition) => bindsCaller(condition, whose));
}

/**
 * Who a policy lets in that is not of the estate: strangers' accounts, everyone, federated users of anybody, and services that act for anybody.
 * A part that is not known yet is left out; `document.unknown` says that the check has to be repeated at the update.
 *
 * @returns a clause for each, to follow the name of the resource: `has statement "X", which allows … to …; what to do`
 */
export function judgePrincipals(document: PolicyDocument, whose: Ownership, receiver: Receiver = "other"): string[] {
    return document.statements
        .filter((statement) => statement.allow)
        .flatMap((statement) =>
            strangersIn(statement, whose, receiver).map(
                (who) => `has statement ${statement.label}, which allows ${deeds(statement)} to ${who}`,
            ),
        );
}

/** Those whom a statement names that are not of the estate, each with what to do: `account 666666666666 (…), which is not of the estate; take it out …` */
export function strangersIn(statement: Statement, whose: Ownership, receiver: Receiver = "other"): string[] {
    return statement.principals.flatMap((principal) => judgePrincipal(principal, statement, whose, receiver) ?? []);
}

const deeds = ({ actions, negations }: Statement): string =>
    negations.includes("NotAction") ? "everything but what NotAction lists" : actions.join(", ") || "everything";

function judgePrincipal(principal: Principal, statement: Statement, whose: Ownership, receiver: Receiver): string | undefined {
    if (whose.isExcepted(principal.value)) {
        return undefined;
    }
    switch (principal.kind) {
        case "AWS":
            return judgeAccount(principal.value, statement, whose);
        case "Service":
            return judgeService(principal.value, statement, whose, receiver);
        case "Federated":
            return judgeFederation(principal.value, statement, whose);
        default:
            return `${principal.kind} ${principal.value}, of which nobody can say whose it is; name an account, role or service`;
    }
}

function judgeAccount(value: string, statement: Statement, whose: Ownership): string | undefined {
    const account = /^\d{12}$/.test(value) ? value : /^arn:[^:]*:(iam|sts)::(\d{12}):/.exec(value)?.[2];
    if (account !== undefined) {
        return whose.isOurAccount(account) || whose.isOurArn(value)
            ? undefined
            : `account ${account} (${value}), which is not of the estate; take it out, or name it as an exception with a reason and an end`;
    }
    if (isBoundToEstate(statement, whose)) {
        return undefined;
    }
    const organization = /^arn:[^:]*:organizations::\d{12}:(?:organization|ou)\/(o-[a-z0-9]+)/.exec(value)?.[1];
    if (organization !== undefined) {
        return whose.isOurOrganization(organization) ? undefined : `organisation ${organization}, which is not of the estate; take it out`;
    }
    const owner = accountOfArn(value);
    if (owner !== undefined) {
        return whose.isOurArn(value)
            ? undefined
            : `${value} of account ${owner}, which is not of the estate; take it out, or name it as an exception with a reason and an end`;
    }
    // AWS takes no wildcard inside a principal's ARN; whatever else is no literal account counts as everyone.
    const conditions = statement.conditions.map(({ key }) => key);
    const useless =
        conditions.length === 0 ? "" : ` (the condition on ${[...new Set(conditions)].join(", ")} ties it to nobody of the estate)`;
    const who = value === "*" || /[*?]/.test(value) ? "everyone" : `"${value}", which names no account,`;
    return `${who}${useless}; name the principal, or add a condition such as StringEquals on aws:PrincipalAccount or aws:PrincipalOrgID with an id of the estate`;
}

function judgeService(service: string, statement: Statement, whose: Ownership, receiver: Receiver): string | undefined {
    const isBound = statement.conditions.some((condition) => bindsSource(condition, whose));
    return isBound || !sendsSource(service, receiver)
        ? undefined
        : `${service} on behalf of any customer of AWS; add a condition on aws:SourceArn or aws:SourceAccount with an account of the estate`;
}

/** Public identity providers, which anyone can sign up with: the token must be somebody's in particular. */
function judgeFederation(provider: string, statement: Statement, whose: Ownership): string | undefined {
    if (/^arn:/.test(provider) && !whose.isOurArn(provider)) {
        return `users of ${provider}, an identity provider that is not in an account of the estate; name one of your own`;
    }
    if (/:saml-provider\//.test(provider)) {
        return undefined;
    }
    const issuer = provider.split(":oidc-provider/").at(-1) ?? provider;
    const isSomebodys = statement.conditions.some(({ operator, key, values }) => {
        const claim = key.startsWith(`${issuer.toLowerCase()}:`) ? key.slice(issuer.length + 1) : "";
        return (
            SUBJECT_CLAIMS(issuer).has(claim) &&
            BINDING.test(operator) &&
            values.length > 0 &&
            values.every((value) => value === UNKNOWN || namesOwner(value, operator))
        );
    });
    return isSomebodys
        ? undefined
        : `any user of ${issuer}; add a condition on ${issuer}:${[...SUBJECT_CLAIMS(issuer)][0]} that names whose users or repositories (repo:OWNER/NAME:*)`;
}

/** The claims that say who somebody is, by issuer: `aud` says only for whom the token was made, which is the same for all of GitHub. */
function SUBJECT_CLAIMS(issuer: string): Set<string> {
    switch (issuer.toLowerCase()) {
        case "cognito-identity.amazonaws.com":
            return new Set(["aud", "sub"]);
        case "www.amazon.com":
            return new Set(["user_id"]);
        case "graph.facebook.com":
            return new Set(["id"]);
        default:
            return new Set(["sub", "job_workflow_ref", "repository", "repository_id", "repository_owner", "repository_owner_id"]);
    }
}

/** A subject without a wildcard, or one whose wildcard comes after the owner's name has ended: `repo:acme/*`, and not `repo:acme*` or `*:acme/x`. */
function namesOwner(subject: string, operator: string): boolean {
    if (!/Like$/.test(operator) || !/[*?]/.test(subject)) {
        return subject !== "";
    }
    return /^[^*?:]+:[^*?:/]+[:/]/.test(subject) || /^[^*?:/]+\/[^*?]*[@/]/.test(subject);
}
