/** The deploy table: which SDK calls make a Pulumi resource of each type in the local AWS. */
import { eventBridgeTable } from "./eventBridge";
import { functionTable } from "./functions";
import { guardDutyTable } from "./guardDuty";
import { iamTable } from "./iam";
import { kmsTable } from "./kms";
import { messagingTable } from "./messaging";
import { networkTable } from "./network";
import { observabilityTable } from "./observability";
import type { DeployTable } from "./resource";
import { s3Table } from "./s3";
import { securityGroupTable } from "./securityGroups";
import { workflowTable } from "./workflow";

export const deployTable: DeployTable = {
    ...eventBridgeTable,
    ...functionTable,
    ...guardDutyTable,
    ...iamTable,
    ...kmsTable,
    ...messagingTable,
    ...networkTable,
    ...observabilityTable,
    ...s3Table,
    ...securityGroupTable,
    ...workflowTable,
};

const dnsFirewall = "the local AWS has no VPC resolver: nothing in it resolves names";
const accountDefault =
    "a default for what others make in the account: what the program makes says so itself, and the rehearsal looks at that";
/** Custom resources that the local AWS needs no counterpart of, each with the reason. */
export const withoutCounterpart: Record<string, string> = {
    "aws:route53/resolverFirewallDomainList:ResolverFirewallDomainList": dnsFirewall,
    "aws:route53/resolverFirewallRuleGroup:ResolverFirewallRuleGroup": dnsFirewall,
    "aws:route53/resolverFirewallRule:ResolverFirewallRule": dnsFirewall,
    "aws:route53/resolverFirewallRuleGroupAssociation:ResolverFirewallRuleGroupAssociation": dnsFirewall,
    "aws:route53/resolverFirewallConfig:ResolverFirewallConfig": dnsFirewall,
    "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions": accountDefault,
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": accountDefault,
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": accountDefault,
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": accountDefault,
    "aws:ebs/encryptionByDefault:EncryptionByDefault": accountDefault,
    "aws:ec2/serialConsoleAccess:SerialConsoleAccess": accountDefault,
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": accountDefault,
};

/** Inputs of every type that no handler has to look at. */
export const handledForEveryType: Record<string, string> = {
    region: "decides the Region of the call, before the handler is called",
    tagsAll: "computed by the provider from tags and its default tags",
};
