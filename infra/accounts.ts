/** One AWS provider an account, tied to that account: credentials for another one stop the run at the first call. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";

export interface AccountsArgs {
    settings: Settings;
}

export class Accounts extends pulumi.ComponentResource {
    /** Provider of the forensics account. */
    readonly forensics: aws.Provider;
    private readonly members = new Map<string, aws.Provider>();

    constructor(name: string, { settings }: AccountsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Accounts", name, {}, opts);
        const provider = (accountId: string, roleArn: string | undefined) => new aws.Provider(`account-${accountId}`, {
            region: settings.regions[0] as aws.Region,
            allowedAccountIds: [accountId],
            assumeRoles: roleArn ? [{ roleArn, sessionName: "ec2-clean-room-forensics" }] : undefined,
            defaultTags: { tags: { "clean-room:managed-by": "pulumi" } },
        }, { parent: this });
        this.forensics = provider(settings.forensics.accountId, settings.forensics.deployRoleArn);
        for (const member of settings.members) this.members.set(member.accountId, provider(member.accountId, member.deployRoleArn));
        this.registerOutputs();
    }

    /** Provider of a member account. @throws when the account is not configured. */
    member(accountId: string): aws.Provider {
        const provider = this.members.get(accountId);
        if (!provider) throw new Error(`The account ${accountId} is not in settings.members; its provider was asked for all the same.`);
        return provider;
    }
}
