import type { ResourceValidationPolicy } from "@pulumi/policy";
import wide from "./catalogue/wideManagedPolicies.json";
import { at, deferUnknownDocuments } from "./lib/policyDocuments";
import { listOf, reveal, show, UNKNOWN, type Value } from "./lib/values";

/** AWS's managed policies that allow every action of a service, or all, on every resource; tools/policy/catalogue.py writes the file. */
const WIDE = new Set(wide.names.split(" "));

/** Names that say so themselves: what AWS adds after the file was written. */
const SAYS_SO = /(Full_?Access|AdministratorAccess|PowerUser)/i;

/** Where each resource type names the managed policies that it attaches. */
const ATTACHED: Readonly<Record<string, string>> = {
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "policyArn",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": "policyArn",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": "policyArns",
    "aws:iam/policyAttachment:PolicyAttachment": "policyArn",
    "aws:iam/role:Role": "managedPolicyArns",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": "policyArn",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": "policyArns",
    "aws:rolesanywhere/profile:Profile": "managedPolicyArns",
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": "managedPolicyArn",
    "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive": "managedPolicyArns",
};

/** Nobody gets one of AWS's full-access policies. Pulumi's own callback functions attach nine of them when they are given no role. */
export const noFullAccessPolicy: ResourceValidationPolicy = {
    name: "no-full-access-policy",
    description: "No role, user, group or permission set gets a managed policy that allows a whole service.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const path = ATTACHED[args.type];
        if (path === undefined) {
            return;
        }
        const attached = at(reveal(args.props), [path]).flatMap(listOf);
        for (const arn of attached.filter(isWide)) {
            reportViolation(
                `"${args.name}" (${args.type}) attaches ${show(arn)}, which allows far more than one function needs. Write a policy with the actions and resources that are needed.`,
            );
        }
        deferUnknownDocuments(args.props, [{ path, unknown: attached.includes(UNKNOWN) }]);
    },
};

/** Whether a managed policy of AWS's is wide. What is in a policy of one's own, whatever its name, role-has-no-wildcards judges. */
function isWide(arn: Value): boolean {
    const owned =
        typeof arn === "string" ? /^arn:[^:]*:(?:iam|eks)::aws:(?:policy|cluster-access-policy)\/(.+)$/.exec(arn)?.[1] : undefined;
    const name = owned?.split("/").at(-1) ?? "";
    return WIDE.has(name) || SAYS_SO.test(name) || name === "AmazonEKSClusterAdminPolicy" || name === "AmazonEKSAdminPolicy";
}
