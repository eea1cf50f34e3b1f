import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { eachDocument, isAnyone, isEveryResource, isNarrowed, type Statement } from "./lib/iamDocument";

/**
 * Every VPC endpoint says in a policy whose requests it carries. Without one AWS gives it "everything for everyone", which turns an endpoint
 * into a way out: to a stranger's bucket, or to a stranger's account with keys found on the disk.
 */
export const endpointPolicyIsNotOpen: ResourceValidationPolicy = {
    name: "endpoint-policy-is-not-open",
    description: "Every VPC endpoint has a policy that is limited to named resources or to accounts of one's own.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!args.isType(aws.ec2.VpcEndpoint) && !args.isType(aws.ec2.VpcEndpointPolicy)) {
            return;
        }
        eachDocument([() => args.props.policy as unknown], (statements) => {
            if (statements.length === 0) {
                reportViolation(
                    `VPC endpoint "${args.name}" has no policy, so AWS lets everyone do everything through it. Write a policy that names the actions, and the resources or accounts.`,
                );
            }
            for (const statement of statements.filter((each) => each.allow)) {
                for (const why of openings(statement)) {
                    reportViolation(
                        `Statement ${statement.label} in the policy of VPC endpoint "${args.name}" ${why}. An open endpoint is a way out of the clean room: ` +
                            `name the resources, or add a condition on "aws:PrincipalAccount", "aws:ResourceAccount" or the like.`,
                    );
                }
            }
        });
    },
};

function openings(statement: Statement): string[] {
    const negated = statement.negations.map((element) => `allows everything but what ${element} lists`);
    if (statement.actions.includes("*") && statement.resources.some(isEveryResource)) {
        return [...negated, `allows every action on every resource`];
    }
    const open = statement.principals.some(isAnyone) && statement.resources.some(isEveryResource) && !isNarrowed(statement);
    return open
        ? [...negated, `allows ${statement.actions.join(", ")} on every resource to everyone, without a condition that narrows it`]
        : negated;
}
