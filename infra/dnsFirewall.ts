/**
 * The clean room's resolver answers for AWS's own names and for nothing else. No security group and no network ACL filters the VPC's
 * resolver, so without this "no way out" would not be true of names: a DNS tunnel needs no route.
 */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface DnsFirewallArgs {
    /** VPC whose resolver is bound. */
    readonly vpcId: pulumi.Input<string>;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** Names of the interface endpoints, such as ssm. */
    readonly services: readonly string[];
}

/** Names that the forensic instance asks for: each endpoint's, S3's, and its own. Exact, since under *.amazonaws.com lie customers' names too. */
export function allowedNames(region: string, services: readonly string[]): string[] {
    const s3 = [`s3.${region}.amazonaws.com`, `s3.dualstack.${region}.amazonaws.com`];
    return [
        ...services.map((service) => `${service}.${region}.amazonaws.com`),
        ...s3,
        // Buckets by their names: evidence, tools, and Amazon Linux's repositories.
        ...s3.map((name) => `*.${name}`),
        region === "us-east-1" ? "*.ec2.internal" : `*.${region}.compute.internal`,
    ];
}

export class DnsFirewall extends pulumi.ComponentResource {
    constructor(name: string, { vpcId, region, services }: DnsFirewallArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:DnsFirewall", name, {}, opts);
        const parent = { parent: this };
        const allowed = new aws.route53.ResolverFirewallDomainList(
            `${name}-allowed`,
            { name: "clean-room-allowed", domains: allowedNames(region, services) },
            parent,
        );
        const all = new aws.route53.ResolverFirewallDomainList(`${name}-all`, { name: "clean-room-all", domains: ["*"] }, parent);
        const group = new aws.route53.ResolverFirewallRuleGroup(name, { name: "clean-room" }, parent);
        const allow = new aws.route53.ResolverFirewallRule(
            `${name}-allow`,
            {
                name: "allow-names-of-aws",
                firewallRuleGroupId: group.id,
                firewallDomainListId: allowed.id,
                // AWS's names lead to names of its own by CNAME.
                firewallDomainRedirectionAction: "TRUST_REDIRECTION_DOMAIN",
                action: "ALLOW",
                priority: 100,
            },
            parent,
        );
        const block = new aws.route53.ResolverFirewallRule(
            `${name}-block`,
            {
                name: "block-everything-else",
                firewallRuleGroupId: group.id,
                firewallDomainListId: all.id,
                action: "BLOCK",
                blockResponse: "NXDOMAIN",
                priority: 200,
            },
            parent,
        );
        new aws.route53.ResolverFirewallRuleGroupAssociation(
            name,
            { name: "clean-room", firewallRuleGroupId: group.id, vpcId, priority: 101 },
            { ...parent, dependsOn: [allow, block] },
        );
        // Where the firewall itself does not answer, nothing is resolved.
        new aws.route53.ResolverFirewallConfig(name, { resourceId: vpcId, firewallFailOpen: "DISABLED" }, parent);
        this.registerOutputs();
    }
}
