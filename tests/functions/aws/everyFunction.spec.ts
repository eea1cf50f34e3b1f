import { CreateSnapshotsCommand, DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect } from "chai";
import { resourceTags, tagCreations } from "../../../functions/aws/everyFunction";

/** What AWS is sent, as the query's parameters. */
async function sent(command: CreateSnapshotsCommand | DescribeInstancesCommand, tags: Record<string, string>): Promise<URLSearchParams> {
    let body = "";
    const client = tagCreations(
        new EC2Client({
            region: "eu-west-1",
            credentials: { accessKeyId: "a", secretAccessKey: "b" },
            requestHandler: {
                handle: (request: { body: string }) => {
                    body = request.body;
                    return Promise.reject(new Error("sent"));
                },
            } as never,
            maxAttempts: 1,
        }),
        () => Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    );
    await client.send(command as CreateSnapshotsCommand).catch(() => undefined);
    return new URLSearchParams(body);
}

describe("the configuration's tags at an incident", () => {
    const create = new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: "i-0123456789abcdef0" },
        TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "clean-room:incident", Value: "i-1" }] }],
    });

    it("are on what a call makes beside its own, which stay the first", async () => {
        const query = await sent(create, { owner: "security", "clean-room:incident": "another" });
        const tags = [1, 2, 3].map((each) => [1].map(() => query.get(`TagSpecification.1.Tag.${each}.Key`))[0]);
        expect(tags).to.deep.equal(["clean-room:incident", "owner", null]);
        expect(query.get("TagSpecification.1.Tag.1.Value")).to.equal("i-1");
    });

    it("change no other call, and none where there are no tags", async () => {
        expect([...(await sent(new DescribeInstancesCommand({}), { owner: "x" })).keys()].some((key) => key.startsWith("Tag"))).to.equal(
            false,
        );
        expect((await sent(create, {})).get("TagSpecification.1.Tag.2.Key")).to.equal(null);
    });

    it("come from the environment as the deployment writes it", () => {
        process.env.RESOURCE_TAGS = JSON.stringify({ owner: "security" });
        try {
            expect(resourceTags()).to.deep.equal([{ Key: "owner", Value: "security" }]);
        } finally {
            delete process.env.RESOURCE_TAGS;
        }
        expect(resourceTags()).to.deep.equal([]);
    });
});
