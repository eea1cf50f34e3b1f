import type { ResourceValidationPolicy } from "@pulumi/policy";
import { isEveryResource, type Statement } from "./lib/iamDocument";
import { deferUnknownDocuments, documentsOf } from "./lib/policyDocuments";
import { isUnscopable } from "./lib/unscopableActions";
import { reveal } from "./lib/values";

/** A role is allowed named actions on named resources: who takes over a function gets what the function needs and nothing else. */
export const roleHasNoWildcards: ResourceValidationPolicy = {
    name: "role-has-no-wildcards",
    description: 'No identity policy allows an action with a wildcard, or an action on "*" that AWS could limit to a resource.',
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const documents = documentsOf(args.type, reveal(args.props), "identity");
        for (const { statements, malformed } of documents) {
            if (malformed !== undefined) {
                reportViolation(`The policy of "${args.name}" (${args.type}) ${malformed}; write a policy document.`);
            }
            for (const statement of statements.filter((each) => each.allow)) {
                for (const why of excesses(statement)) {
                    reportViolation(`Statement ${statement.label} of "${args.name}" (${args.type}) ${why}.`);
                }
            }
        }
        deferUnknownDocuments(args.props, documents);
    },
};

/** Actions by which one takes over a role: what they may do is what any role named may do. */
const TAKES_A_ROLE = /^(sts:assumerole|iam:passrole)/i;

function excesses(statement: Statement): string[] {
    const found = statement.negations.map((element) => `allows everything but what ${element} lists; name what is needed instead`);
    for (const action of statement.actions.filter((each) => /[*?]/.test(each))) {
        found.push(`allows the action "${action}"; name the actions that are needed`);
    }
    const named = statement.actions.filter((action) => !/[*?]/.test(action));
    const scopable = named.filter((action) => !isUnscopable(action));
    if (statement.resources.some(isEveryResource) && scopable.length > 0) {
        found.push(`allows ${scopable.join(", ")} on every resource; name the resources, since AWS limits these actions to an ARN`);
    }
    const roles = named.filter((action) => TAKES_A_ROLE.test(action));
    const anyRole = statement.resources.find(
        (resource) => !isEveryResource(resource) && /:(role|user|federated-user)\/([^:]*\/)?[*?]*$/.test(resource),
    );
    if (roles.length > 0 && anyRole !== undefined) {
        found.push(`allows ${roles.join(", ")} on ${anyRole}, which is every role there is; name the role`);
    }
    return found;
}
