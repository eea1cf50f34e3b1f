import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationArgs, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { ignoredUnder } from "./lib/ignored";
import { referencedBy } from "./lib/references";
import { mayHaveRole, ROLE_TAG } from "./lib/roles";
import { listOf, objectOf, reveal, show, type Value } from "./lib/values";

type Judged = PolicyResource | ResourceValidationArgs;

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
            // Of a group that says nothing, the provider leaves every rule that somebody adds by hand; only an empty list is enforced.
            if (props[direction] === undefined && args.isType(aws.ec2.SecurityGroup)) {
                reportViolation(
                    `Security group "${args.name}" does not say what ${direction} rules it has, so a rule added by hand would stay. ${FIX}: write "${direction}: []".`,
                );
            }
            for (const rule of listOf(props[direction])) {
                reportViolation(`Security group "${args.name}" has the ${direction} rule ${show(rule)}. ${FIX}: write "${direction}: []".`);
            }
        }
        for (const path of ignoredUnder(args.opts.ignoreChanges, RULES)) {
            reportViolation(
                `Security group "${args.name}" ignores changes of "${path}", so a rule added by hand would stay. ${FIX}: take "${path}" out of ignoreChanges.`,
            );
        }
    },
    validateStack: (args, reportViolation) => {
        for (const rule of args.resources.filter(makesRules)) {
            const made = GROUP_OF.flatMap((property) => referencedBy(rule, property, args.resources)).filter(isGroup);
            // A group that the program only names (a literal id, `.get`) is known by what the rule says of it.
            const named = made.length === 0 && isNamedSo(rule) ? [rule] : [];
            for (const group of [...made.filter(isIsolationGroup), ...named]) {
                reportViolation(
                    `"${rule.name}" (${rule.type}) adds a rule to security group "${group.name}". ${FIX}: remove "${rule.name}".`,
                    rule.urn,
                );
            }
        }
    },
};

/** Properties by which a resource that makes rules names the group. */
const GROUP_OF = ["securityGroupId", "groupId", "securityGroupIds"];

/** Names that people give such groups, beside the tag: a forgotten tag must not take a group out of sight. */
const SAID = /isolat|quarantin|contain(ed|ment)/i;

const isGroup = (resource: Judged): boolean => resource.isType(aws.ec2.SecurityGroup) || resource.isType(aws.ec2.DefaultSecurityGroup);

function isIsolationGroup(resource: Judged): boolean {
    const props = reveal(resource.props);
    const names: Value[] = [resource.name, props.name, props.namePrefix];
    return (
        isGroup(resource) && (mayHaveRole("isolation", props, names) || names.some((name) => typeof name === "string" && SAID.test(name)))
    );
}

/** Whether a rule's own name, description or tags say that it belongs to an isolation group. */
function isNamedSo(rule: PolicyResource): boolean {
    const { description, tags } = reveal(rule.props);
    return [rule.name, description, objectOf(tags)[ROLE_TAG]].some((text) => typeof text === "string" && SAID.test(text));
}

/** Whether a resource makes rules in a group of its own or somebody else's. An exclusive list with no rule in it makes none. */
function makesRules(resource: PolicyResource): boolean {
    if (resource.isType(aws.ec2.VpcSecurityGroupRulesExclusive)) {
        const { ingressRuleIds, egressRuleIds } = reveal(resource.props);
        return [...listOf(ingressRuleIds), ...listOf(egressRuleIds)].length > 0;
    }
    return (
        resource.isType(aws.vpc.SecurityGroupIngressRule) ||
        resource.isType(aws.vpc.SecurityGroupEgressRule) ||
        resource.isType(aws.ec2.SecurityGroupRule)
    );
}
