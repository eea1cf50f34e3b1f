/**
 * Properties that say by their name where something is sent, or who is let in, whatever type they are of: also of a type, or a new version's property,
 * that stands in no list. `GRANTEES` (grantees.ts) has those whose name does not say it, or whose condition counts.
 */
import { accountOfArn } from "../lib/ownership";
import type { Properties, Value } from "../lib/values";

/** Ends of names whose value is where something is sent. */
const SENT_TO = /(destination|target|topic|queue|stream|firehose|sink|loggroup|notification|function|eventbus)(resource)?arns?$/i;

/** Whole names of the same. */
const SENT_TO_EXACTLY = new Set(["alarmActions", "okActions", "insufficientDataActions", "destination", "target"]);

/** Objects that are a place something is sent to; in them `arn`, an account's id and a bucket's owner say whose it is. */
const PLACE = /(destination|target)s?$/i;
const IN_A_PLACE = new Set(["arn", "account", "accountId", "bucketAccountId", "registryId"]);

/** Names whose value is somebody who is let in. */
const LET_IN =
    /^(principals?|principalArns?|sharedAccounts|adminAccountId|administratorAccountId|masterAccountId|delegatedAdminAccount(Id)?|destinationAccount|bucketAccountId|peerAccountId|peerOwnerId|(dx|associated)GatewayOwnerAccountId)$/;

/** Whether a property's name says where something goes, or who is let in. @param path as the provider's schema has it, such as `target.arn` */
export function saysWho(path: string): boolean {
    const [name, inside = ""] = path.split(".").reverse() as [string, string?];
    return isWhere(name, inside) || LET_IN.test(name);
}

const isWhere = (name: string, inside: string): boolean =>
    SENT_TO.test(name) || SENT_TO_EXACTLY.has(name) || (PLACE.test(inside) && IN_A_PLACE.has(name));

/** Somebody that a property names. */
export interface Named {
    /** Path of the property. */
    path: string;
    value: string;
    what: "where something is sent" | "who is let in";
}

/**
 * Everybody that such properties name literally: an account, an ARN with an account, or everyone. What is not known yet is named at the update.
 *
 * @param props revealed
 */
export function namedIn(props: Properties): Named[] {
    return Object.entries(props).flatMap(([name, value]) => namedAt(value, name, "", name));
}

function namedAt(value: Value, name: string, inside: string, path: string): Named[] {
    if (Array.isArray(value)) {
        return value.flatMap((each) => namedAt(each, name, inside, path));
    }
    if (typeof value === "string") {
        const sent = isWhere(name, inside);
        const isSomebody = /^\d{12}$/.test(value) || accountOfArn(value) !== undefined;
        return (sent && isSomebody) || (LET_IN.test(name) && (isSomebody || value === "*"))
            ? [{ path, value, what: sent ? "where something is sent" : "who is let in" }]
            : [];
    }
    return value !== null && typeof value === "object"
        ? Object.entries(value).flatMap(([key, each]) => namedAt(each, key, name, `${path}.${key}`))
        : [];
}

/** Ends of names whose value is an access control list by name, of any type (`objectAcl`, `s3ObjectAcl`, `cannedAcl`). */
const ACL = /acl$/i;

/** Access control lists by name that let everyone in, every AWS user, or EC2 of anybody. */
const OPEN_ACL = /^(public|authenticated)[-_]read|^aws-exec-read$/i;

/** Properties, at any depth, that are an open access control list by name. */
export function openAclsIn(props: Properties): { path: string; value: string }[] {
    return texts(props, "").filter(({ path, value }) => ACL.test(path.split(".").at(-1) ?? "") && OPEN_ACL.test(value));
}

function texts(value: Value, path: string): { path: string; value: string }[] {
    if (typeof value === "string") {
        return [{ path, value }];
    }
    if (Array.isArray(value)) {
        return value.flatMap((each) => texts(each, path));
    }
    return value !== null && typeof value === "object"
        ? Object.entries(value).flatMap(([key, each]) => texts(each, path === "" ? key : `${path}.${key}`))
        : [];
}

/** Address ranges that are let in, of types other than security groups. */
export const LET_IN_RANGES: Readonly<Record<string, readonly string[]>> = {
    "aws:eks/cluster:Cluster": ["vpcConfig.publicAccessCidrs"],
    "aws:gamelift/fleet:Fleet": ["ec2InboundPermissions.ipRange"],
    "aws:lightsail/instancePublicPorts:InstancePublicPorts": ["portInfos.cidrs", "portInfos.ipv6Cidrs"],
    "aws:medialive/inputSecurityGroup:InputSecurityGroup": ["whitelistRules.cidr"],
    "aws:sagemaker/workforce:Workforce": ["sourceIpConfig.cidrs"],
    "aws:workspaces/ipGroup:IpGroup": ["rules.source"],
    "aws:workspacesweb/ipAccessSettings:IpAccessSettings": ["ipRules.ipRange"],
};
