import * as aws from "@pulumi/aws";
import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { eachDocument, isEveryResource, type Statement } from "./lib/iamDocument";
import type { ResourceClass } from "./lib/references";
import { isUnscopable } from "./lib/unscopableActions";
import { listOf, reveal } from "./lib/values";

const POLICIES: ResourceClass[] = [aws.iam.Policy, aws.iam.RolePolicy, aws.iam.UserPolicy, aws.iam.GroupPolicy];

/** A role is allowed named actions on named resources: who takes over a function gets what the function needs and nothing else. */
export const roleHasNoWildcards: ResourceValidationPolicy = {
    name: "role-has-no-wildcards",
    description: 'No identity policy allows an action with a wildcard, or an action on "*" that AWS could limit to a resource.',
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        eachDocument(documents(args), (statements) => {
            for (const statement of statements.filter((each) => each.allow)) {
                for (const why of excesses(statement)) {
                    reportViolation(`Statement ${statement.label} of "${args.name}" (${args.type}) ${why}.`);
                }
            }
        });
    },
};

function documents(args: ResourceValidationArgs): (() => unknown)[] {
    if (POLICIES.some((each) => args.isType(each))) {
        return [() => args.props.policy as unknown];
    }
    if (!args.isType(aws.iam.Role)) {
        return [];
    }
    const inline = reveal(args.props).inlinePolicies;
    // A list that is unknown as a whole is read once, which lets the SDK say so.
    return Array.isArray(inline)
        ? inline.map((_, index) => () => args.props.inlinePolicies[index].policy as unknown)
        : listOf(inline).map(() => () => args.props.inlinePolicies as unknown);
}

function excesses(statement: Statement): string[] {
    const found = statement.negations.map((element) => `allows everything but what ${element} lists; name what is needed instead`);
    for (const action of statement.actions.filter((each) => /[*?]/.test(each))) {
        found.push(`allows the action "${action}"; name the actions that are needed`);
    }
    const scopable = statement.actions.filter((action) => !/[*?]/.test(action) && !isUnscopable(action));
    if (statement.resources.some(isEveryResource) && scopable.length > 0) {
        found.push(`allows ${scopable.join(", ")} on every resource; name the resources, since AWS limits these actions to an ARN`);
    }
    return found;
}
