import * as aws from "@pulumi/aws";
import type { PolicyProviderResource, ResourceValidationPolicy } from "@pulumi/policy";
import { eachDocument, isAnyone, isNarrowed, type Statement } from "./lib/iamDocument";
import { listOf, reveal, show, type Properties } from "./lib/values";

/** Actions after which evidence under the key could no longer be read, or by which one could give oneself the right to it. */
const ENDING = [
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:DeleteImportedKeyMaterial",
    "kms:DeleteAlias",
];

/** A key that evidence lies under rotates, and only its own account can end it: a member's administrator cannot. */
export const kmsKeyRotatesAndStays: ResourceValidationPolicy = {
    name: "kms-key-rotates-and-stays",
    description: "KMS keys rotate, and no other account than the key's own can disable or delete one.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!args.isType(aws.kms.Key) && !args.isType(aws.kms.KeyPolicy)) {
            return;
        }
        const props = reveal(args.props);
        if (args.isType(aws.kms.Key)) {
            if (canRotate(props) && props.enableKeyRotation !== true) {
                reportViolation(`KMS key "${args.name}" has enableKeyRotation = ${show(props.enableKeyRotation)}; set it to true.`);
            }
        }
        eachDocument([() => args.props.policy as unknown], (statements) => {
            const owner = ownAccount(args.provider);
            const holders = new Map<string, Statement>(
                statements
                    .filter(canEndKey)
                    .flatMap((statement) => statement.principals.map((principal) => [accountOf(principal), statement] as const)),
            );
            const strangers = [...holders].filter(([account]) => account !== owner && account !== "a service");
            // Without a provider that names its account, one account may hold these rights: it can only be the key's own.
            for (const [account, statement] of owner === undefined && strangers.length === 1 && strangers[0][0] !== "anyone"
                ? []
                : strangers) {
                reportViolation(
                    `Statement ${statement.label} in the policy of KMS key "${args.name}" lets ${account === "anyone" ? account : `account ${account}`} end the key (${endingActions(statement).join(", ")}). ` +
                        "Only the account that owns the key may: leave these actions out of what members are allowed.",
                );
            }
        });
    },
};

/** AWS rotates symmetric encryption keys only. */
function canRotate(props: Properties): boolean {
    return (
        (props.keyUsage ?? "ENCRYPT_DECRYPT") === "ENCRYPT_DECRYPT" &&
        (props.customerMasterKeySpec ?? "SYMMETRIC_DEFAULT") === "SYMMETRIC_DEFAULT"
    );
}

function canEndKey(statement: Statement): boolean {
    const tied = statement.principals.some(isAnyone) && isNarrowed(statement);
    return statement.allow && !tied && (statement.negations.length > 0 || endingActions(statement).length > 0);
}

function endingActions(statement: Statement): string[] {
    const covers = (pattern: string, action: string): boolean =>
        new RegExp(
            `^${pattern
                .replace(/[.+^${}()|[\]\\]/g, "\\$&")
                .replaceAll("*", ".*")
                .replaceAll("?", ".")}$`,
            "i",
        ).test(action);
    return statement.actions.filter((pattern) => ENDING.some((action) => covers(pattern, action)));
}

/** Twelve digits, "anyone", or "a service" (AWS services do not delete keys). */
function accountOf(principal: string): string {
    return isAnyone(principal) ? "anyone" : (/(?<!\d)\d{12}(?!\d)/.exec(principal)?.[0] ?? "a service");
}

/** The account an explicit provider is tied to, where it names exactly one. */
function ownAccount(provider: PolicyProviderResource | undefined): string | undefined {
    const allowed = provider === undefined ? undefined : reveal(provider.props).allowedAccountIds;
    // Provider properties arrive as JSON text.
    const ids = listOf(typeof allowed === "string" && allowed.startsWith("[") ? (JSON.parse(allowed) as string[]) : allowed);
    return ids.length === 1 && typeof ids[0] === "string" ? ids[0] : undefined;
}
