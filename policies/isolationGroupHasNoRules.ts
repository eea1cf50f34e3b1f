import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { referencedBy } from "./lib/references";
import { mayHaveRole } from "./lib/roles";
import { listOf, reveal, show } from "./lib/values";

const RULES = ["ingress", "egress"] as const;
const FIX = "An isolation group cuts a compromised instance off, so it must have no rule in either direction";

/**
 * An isolation group has no rule: none written inline (of any kind: CIDR, IPv6, prefix list, group), none by a rule resource of its own, and
 * no change of its rules is ignored. What is not known at preview counts as a rule, since nothing needs to be computed to write none.
 */
export const isolationGroupHasNoRules: ResourceValidationPolicy & StackValidationPolicy = {
    name: "isolation-group-has-no-rules",
    description: "An isolation security group has no ingress and no egress rule, inline or by separate rule resources.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        if (!isIsolationGroup(args)) {
            return;
        }
        const props = reveal(args.props);
        for (const direction of RULES) {
            for (const rule of listOf(props[direction])) {
                reportViolation(`Security group "${args.name}" has the ${direction} rule ${show(rule)}. ${FIX}: write "${direction}: []".`);
            }
        }
        for (const path of args.opts.ignoreChanges.filter(
            (ignored) => ignored === "*" || RULES.some((direction) => ignored.startsWith(direction)),
        )) {
            reportViolation(
                `Security group "${args.name}" ignores changes of "${path}", so a rule added by hand would stay. ${FIX}: take "${path}" out of ignoreChanges.`,
            );
        }
    },
    validateStack: (args, reportViolation) => {
        for (const rule of args.resources) {
            for (const group of isRule(rule) ? referencedBy(rule, "securityGroupId", args.resources) : []) {
                if (isIsolationGroup(group)) {
                    reportViolation(
                        `"${rule.name}" (${rule.type}) adds a rule to security group "${group.name}". ${FIX}: remove "${rule.name}".`,
                        rule.urn,
                    );
                }
            }
        }
    },
};

function isIsolationGroup(resource: PolicyResource | ResourceValidationArgs): boolean {
    const props = reveal(resource.props);
    const isGroup = resource.isType(aws.ec2.SecurityGroup) || resource.isType(aws.ec2.DefaultSecurityGroup);
    return isGroup && mayHaveRole("isolation", props, [resource.name, props.name, props.namePrefix]);
}

function isRule(resource: PolicyResource): boolean {
    return (
        resource.isType(aws.vpc.SecurityGroupIngressRule) ||
        resource.isType(aws.vpc.SecurityGroupEgressRule) ||
        resource.isType(aws.ec2.SecurityGroupRule)
    );
}
