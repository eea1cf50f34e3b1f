import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { covers, type Principal, type Statement } from "./lib/iamDocument";
import { accountOfArn, ownershipFor, type Ownership } from "./lib/ownership";
import { deferUnknownDocuments, documentsOf } from "./lib/policyDocuments";
import { deferWhereUnknown } from "./lib/unknown";
import { listOf, reveal, show, UNKNOWN, type Properties, type Value } from "./lib/values";

/** Actions after which evidence under the key could no longer be read, or by which one could give oneself the right to it. */
const ENDING = [
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:DeleteImportedKeyMaterial",
    "kms:DeleteAlias",
    "kms:UpdateAlias",
    "kms:UpdatePrimaryRegion",
    "kms:ReplicateKey",
];
const KEYS = new Set([
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
]);
const GRANT = "aws:kms/grant:Grant";

/** Days in which a deletion can be noticed and taken back. AWS takes 7 to 30. */
const LEAST_WINDOW = 14;

/** A key that evidence lies under rotates, and only its own account's administrators can end it: a member's administrator cannot. */
export const kmsKeyRotatesAndStays: ResourceValidationPolicy = {
    name: "kms-key-rotates-and-stays",
    description: "KMS keys rotate and stay enabled, and no other account than the key's own can disable, delete or re-policy one.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const whose = ownershipFor(args);
        const props = reveal(args.props);
        if (args.type === GRANT) {
            judgeGrant(args, props, whose, reportViolation);
            return;
        }
        for (const problem of settingProblems(args.type, props)) {
            reportViolation(`KMS key "${args.name}" (${args.type}) ${problem}.`);
        }
        const documents = documentsOf(args.type, props, "resource").filter(({ receiver }) => receiver === "key");
        for (const { statements, malformed } of documents) {
            if (malformed !== undefined) {
                reportViolation(`The policy of KMS key "${args.name}" ${malformed}; write a policy document.`);
            }
            const owner = ownerOf(statements, whose);
            for (const statement of statements.filter(canEndKey)) {
                for (const principal of statement.principals.filter((each) => !isAdministrator(each, statement, owner))) {
                    reportViolation(
                        `Statement ${statement.label} in the policy of KMS key "${args.name}" lets ${named(principal)} end the key (${endingActions(statement).join(", ")}). ` +
                            `Only administrators named in the account that owns the key${owner === undefined ? "" : ` (${owner})`} may: leave these actions out of what others are allowed.`,
                    );
                }
            }
        }
        deferUnknownDocuments(args.props, documents);
    },
};

function settingProblems(type: string, props: Properties): string[] {
    if (!KEYS.has(type)) {
        return props.bypassPolicyLockoutSafetyCheck === true ? [LOCKOUT] : [];
    }
    const problems: string[] = [];
    if (type === "aws:kms/key:Key" && canRotate(props) && props.enableKeyRotation !== true) {
        problems.push(`has enableKeyRotation = ${show(props.enableKeyRotation)}; set it to true`);
    }
    for (const property of ["isEnabled", "enabled"]) {
        if (props[property] !== undefined && props[property] !== null && props[property] !== true) {
            problems.push(`has ${property} = ${show(props[property])}, so nothing under it can be read; take it out`);
        }
    }
    const window = props.deletionWindowInDays;
    if (window !== undefined && window !== null && !(typeof window === "number" && window >= LEAST_WINDOW)) {
        problems.push(
            `has deletionWindowInDays = ${show(window)}; leave at least ${LEAST_WINDOW} days in which somebody can notice, or take it out for AWS's 30`,
        );
    }
    if (
        props.bypassPolicyLockoutSafetyCheck !== undefined &&
        props.bypassPolicyLockoutSafetyCheck !== null &&
        props.bypassPolicyLockoutSafetyCheck !== false
    ) {
        problems.push(LOCKOUT);
    }
    if (typeof props.validTo === "string" || props.validTo === UNKNOWN) {
        problems.push(`has validTo = ${show(props.validTo)}: AWS deletes the key material on that day, and evidence with it; take it out`);
    }
    return problems;
}

const LOCKOUT = "sets bypassPolicyLockoutSafetyCheck, which lets a policy lock everybody out of the key; take it out";

/** AWS rotates symmetric encryption keys whose material it made and keeps itself: none in a custom key store. */
function canRotate(props: Properties): boolean {
    return (
        (props.keyUsage ?? "ENCRYPT_DECRYPT") === "ENCRYPT_DECRYPT" &&
        (props.customerMasterKeySpec ?? "SYMMETRIC_DEFAULT") === "SYMMETRIC_DEFAULT" &&
        (props.customKeyStoreId ?? "") === "" &&
        (props.xksKeyId ?? "") === ""
    );
}

/** A grant gives the key to somebody beside any policy. */
function judgeGrant(args: ResourceValidationArgs, props: Properties, whose: Ownership, reportViolation: (message: string) => void): void {
    for (const property of ["granteePrincipal", "retiringPrincipal"]) {
        const principal: Value = props[property];
        if (typeof principal === "string" && principal !== "" && !whose.isOurArn(principal) && !whose.isExcepted(principal)) {
            reportViolation(
                `KMS grant "${args.name}" has ${property} = ${principal}, which is not of the estate; name a role of one of its accounts, or an exception with a reason and an end.`,
            );
        }
    }
    const operations = listOf(props.operations);
    if (operations.includes("CreateGrant") && !isOf(props.granteePrincipal, whose.keeper)) {
        reportViolation(
            `KMS grant "${args.name}" allows CreateGrant to ${show(props.granteePrincipal)}, who could hand the key on to anybody; leave it out of operations.`,
        );
    }
    deferWhereUnknown([args.props.granteePrincipal, args.props.retiringPrincipal]);
}

const isOf = (arn: Value, account: string | undefined): boolean =>
    arn === UNKNOWN || (typeof arn === "string" && account !== undefined && accountOfArn(arn) === account);

function canEndKey(statement: Statement): boolean {
    return statement.allow && (statement.negations.includes("NotAction") || endingActions(statement).length > 0);
}

function endingActions(statement: Statement): string[] {
    const listed = statement.actions.filter((pattern) => ENDING.some((action) => covers(pattern, action)));
    return statement.negations.includes("NotAction") ? ["everything but what NotAction lists"] : listed;
}

/**
 * The account that owns the key: the provider's, else the only one that may end it (AWS lets nobody create a key with a policy that keeps its own account out), else the
 * forensics account.
 */
function ownerOf(statements: readonly Statement[], whose: Ownership): string | undefined {
    const holders = new Set(
        statements.filter(canEndKey).flatMap(({ principals }) => principals.map(({ value }) => accountIn(value) ?? "nobody in particular")),
    );
    const [only] = holders;
    return whose.ownAccount ?? (holders.size === 1 && whose.isOurAccount(only) ? only : whose.keeper);
}

const named = ({ value }: Principal): string => {
    const account = accountIn(value);
    return value === "*" ? "everyone whom its conditions let through" : account === undefined ? value : `account ${account} (${value})`;
};

const accountIn = (principal: string): string | undefined => (/^\d{12}$/.test(principal) ? principal : accountOfArn(principal));

/**
 * Whether a principal is the owner's account or a role of it, by name; or anyone, where a condition names such roles. A condition on an account or an organisation makes
 * every one of its identities an administrator, and does not excuse.
 */
function isAdministrator({ kind, value }: Principal, statement: Statement, owner: string | undefined): boolean {
    if (kind !== "AWS" || owner === undefined) {
        return false;
    }
    if (value !== "*") {
        return accountIn(value) === owner && statement.negations.every((element) => element !== "NotPrincipal");
    }
    return statement.conditions.some(
        (condition) =>
            condition.key === "aws:principalarn" &&
            /^(StringEquals|StringLike|ArnEquals|ArnLike)$/.test(condition.operator) &&
            condition.values.length > 0 &&
            condition.values.every(
                (arn) => arn === UNKNOWN || (accountOfArn(arn) === owner && /\/[^*?]+/.test(arn) && !/\/[*?]/.test(arn)),
            ),
    );
}
