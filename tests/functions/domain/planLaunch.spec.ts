import { expect } from "chai";
import fc from "fast-check";
import { isAboutTheSubnet, isQuota, planLaunch, typesToTry } from "../../../functions/domain/planLaunch";

const text = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const request = fc.record({
    incidentId: text,
    imageId: text,
    instanceTypes: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }),
    subnetIds: fc.uniqueArray(text, { minLength: 1, maxLength: 6 }),
});

describe("planLaunch", () => {
    it("tries every type in every subnet in order, the same way whenever it is asked", () => {
        fc.assert(
            fc.property(request, fc.nat(9), (one, generation) => {
                const plan = planLaunch(one, generation);
                expect(plan.map(({ instanceType, subnetId }) => [instanceType, subnetId])).to.deep.equal(
                    one.instanceTypes.flatMap((type) => one.subnetIds.map((subnetId) => [type, subnetId])),
                );
                expect(planLaunch(one, generation)).to.deep.equal(plan);
                for (const { clientToken } of plan) expect(clientToken).to.match(/^[\x21-\x7e]{1,64}$/);
            }),
        );
    });

    it("gives no two requests that differ in anything the same token", () => {
        fc.assert(
            fc.property(request, request, fc.nat(9), fc.nat(9), (one, other, first, second) => {
                const tokens = [...planLaunch(one, first), ...planLaunch(other, second)];
                const different = new Set([
                    ...planLaunch(one, first).map(({ instanceType, subnetId }) =>
                        JSON.stringify([one.incidentId, one.imageId, instanceType, subnetId, first]),
                    ),
                    ...planLaunch(other, second).map(({ instanceType, subnetId }) =>
                        JSON.stringify([other.incidentId, other.imageId, instanceType, subnetId, second]),
                    ),
                ]);
                expect(new Set(tokens.map(({ clientToken }) => clientToken)).size).to.equal(different.size);
            }),
        );
    });

    it("has stand-ins of the same processor and size, and none for a type it does not know", () => {
        expect(typesToTry("m6i.xlarge").slice(0, 3)).to.deep.equal(["m6i.xlarge", "m7i.xlarge", "m6a.xlarge"]);
        expect(typesToTry("m7g.large")).to.include("m6g.large").and.not.include("m6i.large");
        expect(typesToTry("x2gd.metal")).to.deep.equal(["x2gd.metal"]);
    });

    it("takes every spelling of no capacity for a wait, and a wrong request for none", () => {
        for (const code of [
            "InsufficientInstanceCapacity",
            "InsufficientHostCapacity",
            "InsufficientReservedInstancesCapacity",
            "InsufficientReservedInstanceCapacity",
            "InsufficientCapacity",
            "InsufficientFreeAddressesInSubnet",
            "Unsupported",
        ])
            expect(isAboutTheSubnet(code), code).to.equal(true);
        for (const code of ["VcpuLimitExceeded", "InstanceLimitExceeded", "ResourceLimitExceeded"])
            expect(isQuota(code), code).to.equal(true);
        for (const code of ["InvalidParameterValue", "UnauthorizedOperation", "InvalidAMIID.NotFound"])
            expect(isAboutTheSubnet(code) || isQuota(code), code).to.equal(false);
    });
});
