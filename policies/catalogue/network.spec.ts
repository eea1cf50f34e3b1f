import { expect } from "chai";
import { providerTypes } from "../testing/providerTypes";
import { ELSEWHERE, FEET_OUTSIDE, GATEWAYS, INSIDE, isLookedAt, NETWORK_MODULES, PLACE, ROUTES, RULES } from "./network";
import { ADDRESSES } from "./addresses";

describe("catalogue of the provider's network types", function () {
    this.timeout(30_000);
    let types: Map<string, string[]>;
    before(() => (types = providerTypes()));

    it("has a person's decision on every type of the installed provider that says where in a network it is", () => {
        const undecided = [...types].filter(
            ([type, paths]) =>
                !isLookedAt(type) &&
                (NETWORK_MODULES.has(type.split(/[:/]/)[1]) || paths.some((path) => PLACE.test(path.split(".").at(-1) ?? ""))),
        );
        expect(
            undecided.map(([type]) => type),
            "Read what these types do, and put each into a list of policies/catalogue/network.ts",
        ).to.deep.equal([]);
    });

    it("names only types that the provider has, each once", () => {
        const named = [...GATEWAYS.keys(), ...FEET_OUTSIDE.keys(), ...ROUTES, ...RULES, ...INSIDE, ...ELSEWHERE];
        expect(named.filter((type) => !types.has(type))).to.deep.equal([]);
        expect(named.filter((type, index) => named.indexOf(type) !== index)).to.deep.equal([]);
    });

    it("judges addresses by properties that the types have", () => {
        const wrong = Object.entries(ADDRESSES).flatMap(([type, { off = [], must = {} }]) =>
            [...off, ...Object.keys(must)].filter((path) => !types.get(type)?.includes(path)).map((path) => `${type} ${path}`),
        );
        expect(wrong).to.deep.equal([]);
    });

    it("judges every property by which a type may get a public address", () => {
        const public_ = /public(Ip|ly)|publicAccess$|^(assign|associate)\w*Ip|ipv6(AddressCount|Addresses|AddressLists|Prefix)/i;
        const missed = [...types].flatMap(([type, paths]) =>
            INSIDE.includes(type)
                ? paths
                      .filter((path) => public_.test(path.split(".").at(-1) ?? ""))
                      .filter(
                          (path) =>
                              ![
                                  ...(ADDRESSES[type]?.off ?? []),
                                  ...Object.keys(ADDRESSES[type]?.must ?? {}),
                                  ...(ADDRESSES[type]?.harmless ?? []),
                              ].includes(path),
                      )
                      .map((path) => `${type} ${path}`)
                : [],
        );
        expect(missed, "Put each into policies/catalogue/addresses.ts").to.deep.equal([]);
    });
});
