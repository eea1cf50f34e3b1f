import { expect } from "chai";
import fc from "fast-check";
import { chooseZones } from "../../infra/zones";

describe("chooseZones", () => {
    const lists = { "open zones": ["b", "c", "a", "d"], "m6i.large": ["a", "b", "d"], "endpoint ssm": ["d", "b", "c"] };

    it("takes zones that offer the type and every endpoint, by name", () => {
        expect(chooseZones(lists, 2, "eu-west-1")).to.deep.equal(["b", "d"]);
        expect(chooseZones({ ...lists, "endpoint kms": ["d"] }, 2, "eu-west-1")).to.deep.equal(["d", "d"]);
    });

    it("says what is offered where when there is none", () => {
        expect(() => chooseZones({ ...lists, "endpoint kms": ["c"] }, 2, "eu-west-1")).to.throw(
            /No Availability Zone of eu-west-1 .*m6i\.large: a, b, d; endpoint ssm: d, b, c; endpoint kms: c\. Name another type/,
        );
        expect(() => chooseZones({ "open zones": ["a"], "m9.large": [] }, 2, "eu-west-1")).to.throw(/m9\.large: none/);
    });

    it("is not narrowed by a question that a stand-in for AWS does not know", () => {
        expect(chooseZones({ ...lists, "endpoint kms": undefined }, 2, "eu-west-1")).to.deep.equal(["b", "d"]);
    });

    it("chooses the same in whatever order AWS answers", () => {
        fc.assert(
            fc.property(fc.shuffledSubarray(["a", "b", "c", "d"], { minLength: 4 }), (open) => {
                expect(chooseZones({ ...lists, "open zones": open }, 2, "eu-west-1")).to.deep.equal(["b", "d"]);
            }),
        );
    });
});
