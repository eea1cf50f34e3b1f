import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import type { ResourceClass } from "./lib/references";
import { deferWhereUnknown } from "./lib/unknown";
import { listOf, reveal, UNKNOWN, type Properties, type Value } from "./lib/values";

/** AWS's managed policies that allow a whole service or more. */
const FULL =
    /:policy\/(.*\/)?([\w-]*FullAccess[\w-]*|AdministratorAccess[\w-]*|PowerUserAccess|SystemAdministrator|NetworkAdministrator|DatabaseAdministrator)$/i;

/** Where each resource type names the managed policies that it attaches. */
const ATTACHED: [ResourceClass, (props: Properties) => Value[]][] = [
    [aws.iam.Role, (props) => listOf(props.managedPolicyArns)],
    [aws.iam.RolePolicyAttachment, (props) => [props.policyArn]],
    [aws.iam.RolePolicyAttachmentsExclusive, (props) => listOf(props.policyArns)],
    [aws.iam.UserPolicyAttachment, (props) => [props.policyArn]],
    [aws.iam.GroupPolicyAttachment, (props) => [props.policyArn]],
    [aws.iam.PolicyAttachment, (props) => [props.policyArn]],
    [aws.ssoadmin.ManagedPolicyAttachment, (props) => [props.managedPolicyArn]],
];

/** Nobody gets one of AWS's full-access policies. Pulumi's own callback functions attach nine of them when they are given no role. */
export const noFullAccessPolicy: ResourceValidationPolicy = {
    name: "no-full-access-policy",
    description: "No role, user or group gets a managed policy that allows a whole service.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const attached = ATTACHED.find(([resourceClass]) => args.isType(resourceClass))?.[1](reveal(args.props)) ?? [];
        for (const arn of attached) {
            if (typeof arn === "string" && FULL.test(arn)) {
                reportViolation(
                    `"${args.name}" (${args.type}) attaches ${arn}, which allows far more than one function needs. Write a policy with the actions and resources that are needed.`,
                );
            }
        }
        if (attached.includes(UNKNOWN)) {
            deferWhereUnknown(args.props);
        }
    },
};
