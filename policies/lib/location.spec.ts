import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { cleanRoomHasNoGateway } from "../cleanRoomHasNoGateway";
import { judge, typed, unknownString, type Declared } from "../testing/engine";

const range = (more: Partial<Declared> = {}, tags: object = { tags: { "clean-room:role": "drill-range" } }): Declared => ({
    is: aws.ec2.Vpc,
    name: "range",
    props: { id: "vpc-1", ...tags },
    ...more,
});
const gateway = (vpcId: unknown, more: Partial<Declared> = {}): Declared => ({
    is: aws.ec2.InternetGateway,
    name: "gateway",
    props: { vpcId, tags: { "clean-room:role": "drill-range" } },
    ...more,
});
const estate: Declared = {
    is: typed("ec2-clean-room:index:Accounts"),
    name: "accounts",
    props: {
        estate: {
            forensicsAccountId: "111111111111",
            regions: ["eu-west-1"],
            members: [{ accountId: "222222222222", regions: ["eu-west-1"] }],
        },
    },
};
const of = (account: string): Partial<Declared> => ({ provider: { allowedAccountIds: [account] } });
const refused = async (...stack: Declared[]): Promise<boolean> => (await judge(cleanRoomHasNoGateway, stack)).violations.length > 0;

describe("lib/location: what is the drill range", () => {
    it("is what stands in a VPC of the stack that is marked, by reference or by its id", async () => {
        expect(await refused(range(), gateway(unknownString, { refs: { vpcId: ["range"] } }))).to.equal(false);
        expect(await refused(range(), gateway("vpc-1"))).to.equal(false);
    });

    it("is not what is marked itself, and leads to no VPC of the stack", async () => {
        expect(await refused(gateway("vpc-0123456789abcdef0"))).to.equal(true);
        expect(await refused(range(), gateway("vpc-2"))).to.equal(true);
        // A VPC that is read by `.get` is not among the stack's resources.
        expect(await refused(range(), gateway(unknownString))).to.equal(true);
    });

    it("is not what joins the range to a VPC that is not in the stack", async () => {
        const peering = { is: aws.ec2.VpcPeeringConnection, name: "peering", props: { vpcId: "vpc-1", peerVpcId: "vpc-2" } };
        expect(await refused(range(), peering)).to.equal(true);
    });

    it("is not in the forensics account, whatever the mark", async () => {
        const theirs = of("222222222222");
        expect(await refused(estate, range(theirs), gateway("vpc-1", theirs))).to.equal(false);
        const ours = of("111111111111");
        expect(await refused(range(ours), gateway("vpc-1", ours))).to.equal(true);
        expect(await refused(estate, range(ours), gateway("vpc-1", ours))).to.equal(true);
        // Of the default provider nobody knows whose account it is.
        expect(await refused(estate, range(), gateway("vpc-1"))).to.equal(true);
    });

    it("is not what only the provider's default tags, against its own, call so", async () => {
        const against = { tags: { "clean-room:role": "clean-room" }, tagsAll: { "clean-room:role": "drill-range" } };
        expect(await refused(range({}, against), gateway("vpc-1"))).to.equal(true);
        expect(await refused(range({}, { tags: unknownString }), gateway("vpc-1"))).to.equal(true);
    });
});
