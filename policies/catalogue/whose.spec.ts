import { expect } from "chai";
import { POLICY_DOCUMENTS } from "../lib/policyDocuments";
import { providerTypes } from "../testing/providerTypes";
import { LET_IN_RANGES, namedIn, openAclsIn, saysWho } from "./byName";
import { GRANTEES } from "./grantees";
import looked from "./lookedAt.json";

/** Names that may say who is let in, from where, or whose something is. */
const MAY_SAY =
    /(polic(y|ies)|document|acl|grants?|principals?|accounts?|accountIds?|(principal|organization|account)Arns?|userIds|cidrs?|cidrBlocks?|ipRanges?|cidrIpv\d)$/i;

describe("catalogue of who is let in", function () {
    this.timeout(30_000);
    let types: Map<string, string[]>;
    before(() => (types = providerTypes()));

    it("has a person's decision on every property of the installed provider that may say who is let in, and whose something is", () => {
        const decided = new Set(looked.properties);
        const names = new Set(looked.names);
        const undecided = [...types].flatMap(([type, paths]) =>
            paths
                .filter(
                    (path) =>
                        MAY_SAY.test(path.split(".").at(-1)!) &&
                        !names.has(path.split(".").at(-1)!) &&
                        !saysWho(path) &&
                        !(type in GRANTEES) &&
                        !(POLICY_DOCUMENTS[type] ?? []).some((each) => each.path === path) &&
                        !(LET_IN_RANGES[type] ?? []).includes(path) &&
                        !decided.has(`${type} ${path}`),
                )
                .map((path) => `${type} ${path}`),
        );
        if (process.env.PRINT_UNDECIDED) console.log(JSON.stringify(undecided, null, 4));
        expect(
            undecided,
            "Read what these do. Who is let in: POLICY_DOCUMENTS, GRANTEES or byName.ts. Nobody: policies/catalogue/lookedAt.json",
        ).to.deep.equal([]);
    });

    it("names only types and properties that the provider has", () => {
        const places = [
            ...Object.entries(POLICY_DOCUMENTS).flatMap(([type, each]) => each.map(({ path }) => [type, path])),
            ...Object.entries(LET_IN_RANGES).flatMap(([type, each]) => each.map((path) => [type, path])),
            ...looked.properties.map((each) => each.split(" ")),
        ];
        // A function's variables are a map, whose keys no schema names.
        const declared = (path: string) => path.replace(/^environment\.variables\..*/, "environment.variables");
        expect(places.filter(([type, path]) => !types.get(type!)?.includes(declared(path!))).map((each) => each.join(" "))).to.deep.equal(
            [],
        );
        expect(Object.keys(GRANTEES).filter((type) => !types.has(type))).to.deep.equal([]);
    });

    const arn = (account: string) => `arn:aws:sqs:eu-west-1:${account}:q`;
    const said: [props: object, paths: string[]][] = [
        [{ target: arn("666666666666") }, ["target"]],
        [{ target: { arn: arn("666666666666"), roleArn: arn("666666666666") } }, ["target.arn"]],
        [{ topics: [{ topicArn: arn("666666666666") }], topicArns: [arn("1".repeat(12))] }, ["topics.topicArn", "topicArns"]],
        [{ destinationConfig: { onFailure: { destination: arn("666666666666") } } }, ["destinationConfig.onFailure.destination"]],
        [{ rule: { destination: { account: "666666666666" } } }, ["rule.destination.account"]],
        [{ alarmActions: [arn("666666666666"), "arn:aws:automate:eu-west-1:ec2:recover"] }, ["alarmActions"]],
        [
            { permissions: [{ principal: "*" }, { principal: "666666666666" }, { principal: "GROUP" }] },
            ["permissions.principal", "permissions.principal"],
        ],
        [{ eventSourceArn: arn("666666666666"), targetGroupArn: arn("666666666666"), target: "instance", destination: "s3" }, []],
    ];
    for (const [props, paths] of said)
        it(`reads of ${JSON.stringify(props).slice(0, 90)}: ${paths.join(", ") || "nobody"}`, () => {
            expect(namedIn(props as never).map(({ path }) => path)).to.deep.equal(paths);
        });

    it("knows an open access control list by the end of its name", () => {
        const props = {
            objectAcl: "public-read",
            crl: [{ s3ObjectAcl: "BUCKET_OWNER_FULL_CONTROL" }],
            s3: { cannedAcl: "authenticated-read" },
        };
        expect(openAclsIn(props).map(({ path }) => path)).to.deep.equal(["objectAcl", "s3.cannedAcl"]);
    });
});
