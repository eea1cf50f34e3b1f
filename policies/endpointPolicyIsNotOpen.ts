import * as aws from "@pulumi/aws";
import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { isEveryResource, type Statement } from "./lib/iamDocument";
import { Inputs } from "./lib/inputs";
import { ownershipFor, type Ownership } from "./lib/ownership";
import { deferUnknownDocuments, documentsOf } from "./lib/policyDocuments";
import { isBoundToEstate, isBoundToOurResources } from "./lib/principals";
import { referencedBy } from "./lib/references";
import { isUnscopable } from "./lib/unscopableActions";
import { reveal, UNKNOWN } from "./lib/values";

/**
 * Buckets of Amazon's that hosts without internet read their packages from, without credentials. Reading is all that may be allowed there.
 * Amazon Linux: its guide, "Updating from a private subnet"; Systems Manager: its guide, "SSM Agent communications with AWS managed S3 buckets".
 */
const AMAZONS_BUCKETS = [
    /^al2023-repos-[a-z0-9-]+-de612dc2$/,
    /^(amazonlinux(-2)?-repos|packages|repo)[.-][a-z0-9-]+(\.amazonaws\.com)?$/,
    /^(aws-windows-downloads|amazon-ssm|amazon-ssm-packages|aws-ssm|aws-ssm-distributor-file|aws-ssm-document-attachments|patch-baseline-snapshot)-[a-z]{2}(-[a-z]+)+-\d$/,
    /^[a-z]{2}(-[a-z]+)+-\d-birdwatcher-prod$/,
];
const inputs = new Inputs();

/**
 * Every VPC endpoint says in a policy whose requests it carries, and to whose resources. Without one AWS gives it "everything for everyone", which turns
 * an endpoint into a way out: to a stranger's bucket, or to a stranger's account with keys found on the disk.
 */
export const endpointPolicyIsNotOpen: ResourceValidationPolicy & StackValidationPolicy = {
    name: "endpoint-policy-is-not-open",
    description: "Every VPC endpoint has a policy that names principals and resources of the estate.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        inputs.remember(args);
        const whose = ownershipFor(args);
        const documents = documentsOf(args.type, reveal(args.props), "endpoint");
        for (const { statements, malformed, path } of documents) {
            const endpoint = path === "policy" ? `"${args.name}"` : `"${args.name}" (${path})`;
            if (malformed !== undefined) {
                reportViolation(`The policy of VPC endpoint ${endpoint} ${malformed}; write a policy document.`);
            }
            for (const statement of statements.filter((each) => each.allow)) {
                for (const why of openings(statement, whose)) {
                    reportViolation(
                        `Statement ${statement.label} in the policy of VPC endpoint ${endpoint} ${why}. An open endpoint is a way out of the clean room.`,
                    );
                }
            }
        }
        deferUnknownDocuments(args.props, documents);
    },
    validateStack: (args, reportViolation) => {
        const separate = args.resources.filter((each) => each.isType(aws.ec2.VpcEndpointPolicy));
        for (const endpoint of args.resources.filter((each) => each.isType(aws.ec2.VpcEndpoint))) {
            if (!hasPolicy(endpoint) && !separate.some((each) => hasPolicy(each) && isPolicyOf(each, endpoint, args.resources))) {
                reportViolation(
                    `VPC endpoint "${endpoint.name}" has no policy, so AWS lets everyone do everything through it. Write a policy that names the principals, the actions and the resources.`,
                    endpoint.urn,
                );
            }
        }
    },
};

function hasPolicy(resource: PolicyResource): boolean {
    const { policy } = inputs.of(resource);
    return policy === UNKNOWN || (policy !== undefined && policy !== null && policy !== "");
}

const isPolicyOf = (policy: PolicyResource, endpoint: PolicyResource, stack: readonly PolicyResource[]): boolean =>
    referencedBy(policy, "vpcEndpointId", stack).includes(endpoint);

function openings(statement: Statement, whose: Ownership): string[] {
    const found = statement.negations.map((element) => `allows everything but what ${element} lists; name what is needed instead`);
    const actions = statement.actions.join(", ") || "everything";
    if (readsAmazonsPackages(statement)) {
        return found;
    }
    const strangers = statement.principals.filter(({ value }) => !isOurs(value, whose));
    if (strangers.length > 0 && !isBoundToEstate(statement, whose)) {
        found.push(
            `allows ${actions} to ${strangers.map(({ value }) => (value === "*" ? "everyone" : value)).join(", ")}, credentials of strangers included; ` +
                `add a condition StringEquals on aws:PrincipalAccount or aws:PrincipalOrgID with an id of the estate`,
        );
    }
    const elsewhere = statement.resources.filter((resource) => !isOurResource(resource, whose));
    const acts = statement.actions.length === 0 || statement.actions.some((action) => /[*?]/.test(action) || !isUnscopable(action));
    if (elsewhere.length > 0 && acts && !isBoundToOurResources(statement, whose)) {
        found.push(
            `allows ${actions} on ${elsewhere.join(", ")}, a stranger's bucket or account included; ` +
                `name the resources, or add a condition StringEquals on aws:ResourceAccount or aws:ResourceOrgID with an id of the estate`,
        );
    }
    return found;
}

const isOurs = (principal: string, whose: Ownership): boolean =>
    whose.isExcepted(principal) || (/^\d{12}$/.test(principal) ? whose.isOurAccount(principal) : whose.isOurArn(principal));

/** An ARN with an account of the estate, or a bucket by its whole name: a bucket's ARN has no account, and whoever wrote the name chose it. */
function isOurResource(resource: string, whose: Ownership): boolean {
    if (isEveryResource(resource)) {
        return false;
    }
    const bucket = /^arn:[^:]*:s3:::([^/]+)/.exec(resource)?.[1];
    return bucket === undefined ? whose.isOurArn(resource) : !/[*?]/.test(bucket);
}

function readsAmazonsPackages(statement: Statement): boolean {
    return (
        statement.negations.length === 0 &&
        statement.resources.length > 0 &&
        statement.actions.every((action) => action === "s3:GetObject") &&
        statement.resources.every((resource) => {
            const bucket = /^arn:[^:]*:s3:::([^/]+)\//.exec(resource)?.[1] ?? "";
            return AMAZONS_BUCKETS.some((pattern) => pattern.test(bucket));
        })
    );
}
