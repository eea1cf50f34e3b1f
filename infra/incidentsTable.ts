/** The table of incidents: one open incident an instance. What lies in it is described in functions/aws/incidentsTable.ts. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { standingIndex } from "../functions/aws/standingContainments";
import { incidentsTableName } from "./names";

export interface IncidentsTableArgs {
    /** Key that the functions may use; the table holds task tokens, which answer requests for approval. */
    readonly keyArn: pulumi.Input<string>;
}

export class IncidentsTable extends pulumi.ComponentResource {
    readonly table: aws.dynamodb.Table;

    constructor(name: string, args: IncidentsTableArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:IncidentsTable", name, {}, opts);
        this.table = new aws.dynamodb.Table(
            name,
            {
                name: incidentsTableName,
                billingMode: "PAY_PER_REQUEST",
                hashKey: "pk",
                attributes: [
                    { name: "pk", type: "S" },
                    { name: "standing", type: "S" },
                ],
                // Only standing containments have the attribute: what the watch reads is as long as that list.
                globalSecondaryIndexes: [
                    { name: standingIndex, keySchemas: [{ attributeName: "standing", keyType: "HASH" }], projectionType: "ALL" },
                ],
                serverSideEncryption: { enabled: true, kmsKeyArn: args.keyArn },
                pointInTimeRecovery: { enabled: true },
                // Counts of what the brake let wait, a day after their use.
                ttl: { attributeName: "expiresAt", enabled: true },
                // Without the table a finding would contain an instance a second time.
                deletionProtectionEnabled: true,
            },
            { parent: this },
        );
        this.registerOutputs({ tableName: this.table.name });
    }
}
