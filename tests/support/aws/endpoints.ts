/** The clean room's interface endpoints in memory: a minute until they are available, and a while until they are gone. */
import { tagValue } from "../../../functions/domain/tags";

interface Endpoint {
    VpcEndpointId: string;
    VpcId: string;
    ServiceName: string;
    State: string;
    PrivateDnsEnabled: boolean;
    Tags: { Key: string; Value: string }[];
}

export class InMemoryEndpoints {
    readonly endpoints = new Map<string, Endpoint>();
    private readonly tokens = new Map<string, string>();

    /** What waits becomes what it waits for. */
    settle(): void {
        for (const [id, endpoint] of this.endpoints) {
            if (endpoint.State === "pending") endpoint.State = "available";
            if (endpoint.State === "deleting") this.endpoints.delete(id);
        }
    }
    onCreateVpcEndpoint(input: {
        ClientToken: string;
        VpcId: string;
        ServiceName: string;
        PrivateDnsEnabled: boolean;
        TagSpecifications: { Tags: Endpoint["Tags"] }[];
    }): unknown {
        const standing = this.tokens.get(input.ClientToken);
        const VpcEndpointId = standing ?? `vpce-${tagValue(input.TagSpecifications[0]!.Tags, "clean-room:spec")}${this.tokens.size}`;
        this.tokens.set(input.ClientToken, VpcEndpointId);
        if (standing === undefined)
            this.endpoints.set(VpcEndpointId, {
                VpcEndpointId,
                VpcId: input.VpcId,
                ServiceName: input.ServiceName,
                State: "pending",
                PrivateDnsEnabled: input.PrivateDnsEnabled,
                Tags: input.TagSpecifications[0]!.Tags,
            });
        return { VpcEndpoint: this.endpoints.get(VpcEndpointId) };
    }
    onDescribeVpcEndpoints(): unknown {
        return { VpcEndpoints: [...this.endpoints.values()].map((each) => ({ ...each })) };
    }
    onDeleteVpcEndpoints({ VpcEndpointIds }: { VpcEndpointIds: string[] }): unknown {
        for (const id of VpcEndpointIds) if (this.endpoints.has(id)) this.endpoints.get(id)!.State = "deleting";
        return { Unsuccessful: [] };
    }
}
