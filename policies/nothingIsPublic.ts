import * as aws from "@pulumi/aws";
import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { LET_IN_RANGES, openAclsIn } from "./catalogue/byName";
import { grantsOf } from "./catalogue/grantees";
import { readDocument } from "./lib/iamDocument";
import { ownershipFor } from "./lib/ownership";
import { at, deferUnknownDocuments, documentsOf } from "./lib/policyDocuments";
import { judgePrincipals, strangersIn } from "./lib/principals";
import type { ResourceClass } from "./lib/references";
import { deferWhereUnknown } from "./lib/unknown";
import { listOf, objectOf, reveal, show, type Properties, type Value } from "./lib/values";

/** Settings that open a resource without a policy document: what is wrong, or nothing. */
const SETTINGS: [ResourceClass, (props: Properties) => string | undefined][] = [
    [aws.s3.BucketAcl, (props) => aclProblem(props.acl) ?? grantProblem(listOf(objectOf(props.accessControlPolicy).grants))],
    [aws.s3.BucketAclV2, (props) => aclProblem(props.acl) ?? grantProblem(listOf(objectOf(props.accessControlPolicy).grants))],
    [aws.s3.Bucket, (props) => aclProblem(props.acl) ?? grantProblem(listOf(props.grants))],
    [aws.s3.BucketV2, (props) => aclProblem(props.acl) ?? grantProblem(listOf(props.grants))],
    [aws.s3.BucketObject, (props) => aclProblem(props.acl)],
    [aws.s3.BucketObjectv2, (props) => aclProblem(props.acl)],
    [aws.s3.BucketLogging, (props) => grantProblem(listOf(props.targetGrants))],
    [aws.s3.BucketLoggingV2, (props) => grantProblem(listOf(props.targetGrants))],
    [aws.s3.ObjectCopy, (props) => aclProblem(props.acl) ?? grantProblem(listOf(props.grants))],
    [aws.ec2.ManagedPrefixList, (props) => prefixProblem(listOf(props.entries).map((each) => objectOf(each).cidr))],
    [aws.ec2.ManagedPrefixListEntry, (props) => prefixProblem([props.cidr])],
    [
        aws.s3.BucketPublicAccessBlock,
        (props) => {
            const off = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].filter(
                (property) => props[property] !== true,
            );
            return off.length > 0 ? `leaves ${off.join(", ")} off; set all four to true` : undefined;
        },
    ],
    [
        aws.lambda.FunctionUrl,
        (props) =>
            props.authorizationType === "AWS_IAM" ? undefined : `has authorizationType = ${show(props.authorizationType)}; set "AWS_IAM"`,
    ],
    [
        aws.ebs.SnapshotBlockPublicAccess,
        (props) =>
            props.state === "unblocked" ? `lets snapshots be made public; set "block-all-sharing" or "block-new-sharing"` : undefined,
    ],
    [
        aws.ec2.ImageBlockPublicAccess,
        (props) => (props.state === "unblocked" ? `lets images be made public; set "block-new-sharing"` : undefined),
    ],
];

/** Where an ingress rule, or a group with inline rules, has its address ranges. */
const RANGES = ["ingress", "cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"];

/** Nothing the program makes can be used by the public: not by a resource policy, an ACL, a share, a trust policy or an open port. */
export const nothingIsPublic: ResourceValidationPolicy = {
    name: "nothing-is-public",
    description: "No bucket, topic, queue, key, role, function, snapshot, image or port is open to everyone.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const whose = ownershipFor(args);
        const props = reveal(args.props);
        const report = (problem: string): void => reportViolation(`"${args.name}" (${args.type}) ${problem}.`);
        for (const [resourceClass, check] of SETTINGS) {
            const problem = args.isType(resourceClass) ? check(props) : undefined;
            if (problem !== undefined) {
                report(problem);
            }
        }
        for (const { path, value } of openAclsIn(props).filter(({ path }) => path !== "acl")) {
            report(`has ${path} = "${value}"; set "private"`);
        }
        for (const path of LET_IN_RANGES[args.type] ?? []) {
            const open = openRange({ cidrBlocks: at(props, path.split(".")).flatMap(listOf) });
            if (open !== undefined) {
                report(`lets ${open} in by ${path}; name the addresses that need it`);
            }
        }
        for (const rule of ingressRules(args, props)) {
            const open = openRange(rule);
            if (open !== undefined) {
                report(`lets ${open} in; name the addresses or groups that need it`);
            }
        }
        const documents = documentsOf(args.type, props, "resource", "trust");
        for (const document of documents) {
            for (const problem of document.malformed === undefined
                ? judgePrincipals(document, whose, document.receiver)
                : [`has a policy that ${document.malformed}`]) {
                report(problem);
            }
        }
        const grants = grantsOf(args.type, props).map((each) => ({ ...each, ...readDocument({ Statement: [each.statement] }) }));
        for (const { path, statements, receiver } of grants) {
            for (const who of statements.flatMap((statement) => strangersIn(statement, whose, receiver))) {
                report(`gives ${statements[0].actions.join(", ")}, by ${path}, to ${who}`);
            }
        }
        deferUnknownDocuments(args.props, [...documents, ...grants]);
        if (ingressRules(args, props).length > 0) {
            RANGES.forEach((property) => deferWhereUnknown(args.props[property]));
        }
    },
};

function aclProblem(acl: Value): string | undefined {
    const closed =
        acl === undefined ||
        acl === "private" ||
        acl === "log-delivery-write" ||
        acl === "bucket-owner-full-control" ||
        acl === "bucket-owner-read";
    return closed ? undefined : `has acl = ${show(acl)}; set "private"`;
}

/** An ACL written out: every AWS user is everyone, and so is the public. */
function grantProblem(grants: Value[]): string | undefined {
    const uris = grants.map(objectOf).map((grant) => grant.uri ?? objectOf(grant.grantee).uri);
    const open = uris.find((uri) => typeof uri === "string" && /\/groups\/global\/(AllUsers|AuthenticatedUsers)$/.test(uri));
    return open === undefined ? undefined : `grants ${show(open)} access; take the grant out`;
}

/** A prefix list that a rule may name in place of a range. */
function prefixProblem(cidrs: Value[]): string | undefined {
    const open = openRange({ cidrBlocks: cidrs });
    return open === undefined
        ? undefined
        : `holds ${open}, so a rule that names the list lets everyone in; name the addresses that are needed`;
}

function ingressRules(args: ResourceValidationArgs, props: Properties): Value[] {
    if (args.isType(aws.vpc.SecurityGroupIngressRule)) {
        return [props];
    }
    if (args.isType(aws.ec2.SecurityGroupRule)) {
        return props.type === "egress" ? [] : [props];
    }
    return args.isType(aws.ec2.SecurityGroup) || args.isType(aws.ec2.DefaultSecurityGroup) ? listOf(props.ingress) : [];
}

/** A range of a /8 or wider for IPv4, /16 or wider for IPv6, unless it is private: half the internet is still the public. */
function openRange(rule: Value): string | undefined {
    const { cidrBlocks, ipv6CidrBlocks, cidrIpv4, cidrIpv6 } = objectOf(rule);
    const ranges = [...listOf(cidrBlocks), ...listOf(ipv6CidrBlocks), ...listOf(cidrIpv4), ...listOf(cidrIpv6)].filter(
        (range) => typeof range === "string",
    );
    return ranges.find((range) => {
        const [address, width] = range.split("/");
        const isPrivate = address.startsWith("10.") || /^f[cd]/i.test(address);
        return !isPrivate && Number(width) <= (address.includes(":") ? 16 : 8);
    });
}
