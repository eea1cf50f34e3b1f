import type { ResourceValidationPolicy } from "@pulumi/policy";
import { isEveryResource, type Statement } from "./lib/iamDocument";
import { ownershipFor, type Ownership } from "./lib/ownership";
import { deferUnknownDocuments, documentsOf } from "./lib/policyDocuments";
import { isBoundToOurResources } from "./lib/principals";
import { isUnscopable } from "./lib/unscopableActions";
import { reveal } from "./lib/values";

/** A role is allowed named actions on named resources: who takes over a function gets what the function needs and nothing else. */
export const roleHasNoWildcards: ResourceValidationPolicy = {
    name: "role-has-no-wildcards",
    description: 'No identity policy allows an action with a wildcard, or an action on "*" that AWS could limit to a resource.',
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const whose = ownershipFor(args);
        const documents = documentsOf(args.type, reveal(args.props), "identity");
        for (const { statements, malformed } of documents) {
            if (malformed !== undefined) {
                reportViolation(`The policy of "${args.name}" (${args.type}) ${malformed}; write a policy document.`);
            }
            for (const statement of statements.filter((each) => each.allow)) {
                for (const why of excesses(statement, whose)) {
                    reportViolation(`Statement ${statement.label} of "${args.name}" (${args.type}) ${why}.`);
                }
            }
        }
        deferUnknownDocuments(args.props, documents);
    },
};

function excesses(statement: Statement, whose: Ownership): string[] {
    const found = statement.negations.map((element) => `allows everything but what ${element} lists; name what is needed instead`);
    for (const action of statement.actions.filter((each) => /[*?]/.test(each))) {
        found.push(`allows the action "${action}"; name the actions that are needed`);
    }
    const named = statement.actions.filter((action) => !/[*?]/.test(action));
    const scopable = named.filter((action) => !isUnscopable(action));
    if (statement.resources.some(isEveryResource) && scopable.length > 0) {
        found.push(`allows ${scopable.join(", ")} on every resource; name the resources, since AWS limits these actions to an ARN`);
    }
    const listed = statement.resources.filter((resource) => !isEveryResource(resource));
    const taking = named.filter((action) => TAKES_A_ROLE.test(action));
    const unnamed = listed.filter((resource) => taking.length > 0 && !namesRole(resource, statement, whose));
    if (unnamed.length > 0) {
        found.push(`allows ${taking.join(", ")} on ${unnamed.join(", ")}; name the role, in an account of the estate`);
    }
    const secrets = named.filter((action) => READS_SECRETS.test(action));
    const all = listed.filter((resource) => secrets.length > 0 && /:(key|alias|parameter|secret)[/:][*?/]*$|:s3:::[*?/]+$/.test(resource));
    const chosen = statement.conditions.some(({ key }) => CHOOSES.test(key));
    if (all.length > 0 && !chosen) {
        found.push(
            `allows ${secrets.join(", ")} on ${all.join(", ")}, which is every one there is; name them, or add a condition on a tag or kms:ViaService`,
        );
    }
    const anywhere = listed.filter((resource) => secrets.length > 0 && /^arn:[^:]*:kms:[^:]*:[^:]*[*?][^:]*:/.test(resource));
    if (anywhere.length > 0 && chosen && !isBoundToOurResources(statement, whose)) {
        found.push(
            `allows ${secrets.join(", ")} on ${anywhere.join(", ")}, keys of any account; name the account, or add a condition StringEquals on aws:ResourceOrgID with an id of the estate`,
        );
    }
    return found;
}

/** Actions by which one becomes, or lends, a role: what they may do is what any role named may do. */
const TAKES_A_ROLE = /^(sts:AssumeRole|sts:AssumeRoleWith\w+|sts:TagSession|sts:SetSourceIdentity|iam:PassRole)$/i;

/** Actions that give away what is kept. */
const READS_SECRETS =
    /^(kms:(Decrypt|ReEncryptFrom|GenerateDataKey\w*)|secretsmanager:(GetSecretValue|BatchGetSecretValue)|ssm:GetParameter\w*|s3:GetObject\w*)$/i;

/** Condition keys that choose among all resources of a type. */
const CHOOSES =
    /^(kms:(viaservice|resourcealiases|encryptioncontext:.+|grantisforawsresource)|(aws|secretsmanager|ssm|s3):(resourcetag|existingobjecttag)\/.+)$/;

/** Whether a resource is a role by its name, or names that begin alike, in an account of the estate. In all accounts only by its whole name, and of one's own organisation. */
function namesRole(resource: string, statement: Statement, whose: Ownership): boolean {
    if (!/[*?]/.test(resource)) {
        return whose.isOurArn(resource);
    }
    const [, account, name] = /^arn:[^:]*:iam::([^:]*):role\/(?:.*\/)?([^/]*)$/.exec(resource) ?? [];
    if (account === undefined || name === "") {
        return false;
    }
    return whose.isOurArn(resource)
        ? /^[^*?]{3}/.test(name) || !/[*?]/.test(name)
        : /[*?]/.test(account) && !/[*?]/.test(name) && isBoundToOurResources(statement, whose);
}
