import { expect } from "chai";
import fc from "fast-check";
import { readDocument } from "./iamDocument";
import { ownershipOf } from "./ownership";
import { judgePrincipals } from "./principals";
import type { Receiver } from "./serviceSources";
import { UNKNOWN, type Properties, type Value } from "./values";

const estate = {
    forensicsAccountId: "111111111111",
    regions: ["eu-west-1"],
    hasOrganization: true,
    organizationId: "o-a1b2c3d4e5",
    members: [{ accountId: "222222222222", regions: ["eu-west-1"] }],
};
const whose = ownershipOf(estate, {});
const judged = (statement: Properties, receiver?: Receiver): string[] =>
    judgePrincipals(readDocument({ Statement: { Effect: "Allow", Action: "x:Do", Resource: "*", ...statement } }), whose, receiver);
const everyone = (operator: string, key: string, value: Value): string[] =>
    judged({ Principal: "*", Condition: { [operator]: { [key]: value } } });
const role = (account: string): string => `arn:aws:iam::${account}:role/responder`;

describe("lib/principals: whose account is whose", () => {
    const ours: Properties[] = [
        { Principal: { AWS: "111111111111" } },
        { Principal: { AWS: ["arn:aws:iam::222222222222:root", "arn:aws-cn:iam::111111111111:role/path/x"] } },
        { Principal: { AWS: "arn:aws:sts::111111111111:assumed-role/x/session" } },
        { Principal: { AWS: UNKNOWN } },
        { Principal: "*", Effect: "Deny" },
        // Elements are read whatever their case.
        { principal: { AWS: "111111111111" } },
    ];
    for (const statement of ours) {
        it(`accepts ${JSON.stringify(statement)}`, () => expect(judged(statement)).to.be.empty);
    }

    const strangers: Properties[] = [
        { Principal: "*" },
        { Principal: { AWS: "*" } },
        { Principal: { "*": "*" } },
        { Principal: { AWS: ["111111111111", "666666666666"] } },
        { Principal: { AWS: "arn:aws:iam::666666666666:root" } },
        { Principal: { AWS: "arn:aws:iam::*:root" } },
        { Principal: { AWS: "AROAEXAMPLEEXAMPLE" } },
        { Principal: { CanonicalUser: "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be" } },
        { NotPrincipal: { AWS: "111111111111" } },
        { Principal: { AWS: "666666666666" }, Condition: { StringEquals: { "aws:PrincipalAccount": "111111111111" } } },
    ];
    for (const statement of strangers) {
        it(`refuses ${JSON.stringify(statement)}`, () => expect(judged(statement)).to.have.length(1));
    }

    const binding: [string, string, Value][] = [
        ["StringEquals", "aws:PrincipalAccount", "111111111111"],
        ["StringLike", "AWS:principalaccount", ["111111111111", "222222222222"]],
        ["StringEqualsIgnoreCase", "aws:PrincipalOrgID", "o-a1b2c3d4e5"],
        ["ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-a1b2c3d4e5/r-ab12/*"],
        ["ArnLike", "aws:PrincipalArn", "arn:aws:iam::222222222222:role/*"],
        ["ArnEquals", "aws:SourceArn", ["arn:aws:sns:*:111111111111:*"]],
        ["StringEquals", "AWS:SourceOwner", "111111111111"],
        ["StringEquals", "kms:CallerAccount", "111111111111"],
        ["StringEquals", "s3:DataAccessPointAccount", "111111111111"],
        ["ArnEquals", "aws:PrincipalArn", UNKNOWN],
    ];
    for (const [operator, key, value] of binding) {
        it(`takes ${operator} on ${key} for a tie to the estate`, () => expect(everyone(operator, key, value)).to.be.empty);
    }

    const loose: [string, string, Value][] = [
        ["StringLike", "aws:PrincipalAccount", "*"],
        ["StringLike", "aws:PrincipalAccount", "????????????"],
        ["StringLike", "aws:PrincipalOrgID", "o-*"],
        ["StringEquals", "aws:PrincipalOrgID", "o-ffffffffff"],
        ["StringEquals", "aws:PrincipalAccount", ["111111111111", "666666666666"]],
        ["StringEquals", "aws:PrincipalAccount", []],
        ["StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount}"],
        ["StringNotEquals", "aws:PrincipalAccount", "111111111111"],
        ["StringEqualsIfExists", "aws:PrincipalOrgID", "o-a1b2c3d4e5"],
        ["ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"],
        ["ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "*/r-ab12/*"],
        ["ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-a1b2c3d4e5*"],
        ["ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/responder"],
        ["ArnLike", "aws:PrincipalArn", "arn:*"],
        ["ArnLike", "aws:SourceArn", "arn:aws:s3:::reports"],
        ["StringLike", "aws:SourceArn", "arn:aws:events:*:*:rule/*"],
        ["Null", "aws:PrincipalAccount", "false"],
        ["StringEquals", "aws:ResourceAccount", "111111111111"],
        ["StringEquals", "aws:SourceVpc", "vpc-0123456789abcdef0"],
        ["StringEquals", "aws:SourceVpce", "vpce-0123456789abcdef0"],
        ["IpAddress", "aws:SourceIp", "0.0.0.0/0"],
        ["StringEquals", "sts:ExternalId", "secret"],
        ["Bool", "aws:SecureTransport", "true"],
        ["Bool", "aws:PrincipalIsAWSService", "true"],
        ["StringEquals", "aws:PrincipalTag/account", "111111111111"],
    ];
    for (const [operator, key, value] of loose) {
        it(`takes ${operator} on ${key} = ${JSON.stringify(value)} for no tie`, () =>
            expect(everyone(operator, key, value)).to.have.length(1));
    }

    it("lets no account in that is not of the estate, however it is named", () => {
        const digits = fc.stringMatching(/^\d{12}$/).filter((id) => !["111111111111", "222222222222", "123456789012"].includes(id));
        fc.assert(
            fc.property(
                digits,
                fc.constantFrom(
                    (id: string) => id,
                    role,
                    (id: string) => `arn:aws:iam::${id}:root`,
                ),
                (id, named) => {
                    expect(judged({ Principal: { AWS: named(id) } })).to.have.length(1);
                    expect(everyone("ArnLike", "aws:PrincipalArn", role(id))).to.have.length(1);
                    expect(everyone("StringEquals", "aws:PrincipalAccount", id)).to.have.length(1);
                },
            ),
        );
    });

    it("lets a stranger in whom a person excepted, until that day", () => {
        const excepted = (until: string): string[] =>
            judgePrincipals(
                readDocument({ Statement: { Effect: "Allow", Principal: { AWS: role("666666666666") }, Action: "x:Do" } }),
                ownershipOf(estate, { exceptions: [{ principal: role("666666666666"), reason: "our auditor", until }] }),
            );
        expect(excepted("2999-01-01")).to.be.empty;
        expect(excepted("2020-01-01")).to.have.length(1);
    });

    it("knows the estate the pack was published for where the program announces none", () => {
        const published = ownershipOf(undefined, {});
        expect([published.isOurAccount("111111111111"), published.isOurAccount("666666666666")]).to.deep.equal([true, false]);
        expect(ownershipOf(undefined, { accounts: ["666666666666"] }).isOurAccount("666666666666")).to.equal(true);
    });
});

describe("lib/principals: services and identity providers", () => {
    const service = (name: string, receiver: Receiver, Condition?: Properties): number =>
        judged({ Principal: { Service: name }, ...(Condition === undefined ? {} : { Condition }) }, receiver).length;
    const from = (value: Value): Properties => ({ StringEquals: { "aws:SourceAccount": value } });

    it("asks for the source wherever AWS sends one", () => {
        for (const receiver of ["topic", "function", "key", "other"] as const) {
            expect(service("s3.amazonaws.com", receiver), receiver).to.equal(1);
            expect(service("s3.amazonaws.com", receiver, from("111111111111")), receiver).to.equal(0);
            expect(service("s3.amazonaws.com", receiver, from("666666666666")), receiver).to.equal(1);
            expect(service("s3.amazonaws.com", receiver, { ArnLike: { "aws:SourceArn": "arn:aws:s3:::*" } }), receiver).to.equal(1);
            expect(
                service("s3.amazonaws.com", receiver, { StringEqualsIfExists: { "aws:SourceAccount": "111111111111" } }),
                receiver,
            ).to.equal(1);
            expect(service("s3.amazonaws.com", receiver, { StringEquals: { "aws:SourceOrgID": "o-a1b2c3d4e5" } }), receiver).to.equal(0);
            // A service has no account of its own that calls.
            expect(service("s3.amazonaws.com", receiver, { StringEquals: { "aws:PrincipalAccount": "111111111111" } }), receiver).to.equal(
                1,
            );
        }
        expect(service("states.amazonaws.com", "role")).to.equal(1);
        expect(service("events.amazonaws.com", "role", from("111111111111"))).to.equal(0);
        expect(service("events.amazonaws.com", "other")).to.equal(1);
    });

    it("asks for none where AWS sends none", () => {
        expect(service("events.amazonaws.com", "topic")).to.equal(0);
        expect(service("events.amazonaws.com", "key")).to.equal(0);
        expect(service("lambda.amazonaws.com", "role")).to.equal(0);
        expect(service("ec2.amazonaws.com", "role")).to.equal(0);
    });

    it("takes the encryption context of CloudWatch Logs for a key's source", () => {
        const context = (arn: string): Properties => ({ ArnLike: { "kms:EncryptionContext:aws:logs:arn": arn } });
        expect(service("logs.eu-west-1.amazonaws.com", "key", context("arn:aws:logs:eu-west-1:111111111111:log-group:/x"))).to.equal(0);
        expect(service("logs.eu-west-1.amazonaws.com", "key", context("arn:aws:logs:*:*:*"))).to.equal(1);
    });

    const github = "token.actions.githubusercontent.com";
    const federated = (provider: string, Condition: Properties): number =>
        judged({ Principal: { Federated: provider }, Action: "sts:AssumeRoleWithWebIdentity", Condition }, "role").length;
    const own = (issuer: string): string => `arn:aws:iam::111111111111:oidc-provider/${issuer}`;
    const subjects: [operator: string, subject: Value, refused: number][] = [
        ["StringEquals", "repo:acme/clean-room:ref:refs/heads/main", 0],
        ["StringLike", "repo:acme/clean-room:*", 0],
        ["StringLike", "repo:acme/*", 0],
        ["ForAnyValue:StringLike", ["repo:acme/a:*", "repo:acme/b:*"], 0],
        ["StringLike", "repo:acme*", 1],
        ["StringLike", "repo:*", 1],
        ["StringLike", "repo:*/clean-room:*", 1],
        ["StringLike", "*:acme/clean-room:*", 1],
        ["StringLike", ["repo:acme/a:*", "*"], 1],
        ["StringLikeIfExists", "repo:acme/a:*", 1],
        ["ForAllValues:StringLike", "repo:acme/a:*", 1],
        ["StringNotLike", "repo:evil/*", 1],
    ];
    for (const [operator, subject, refused] of subjects) {
        it(`${refused ? "refuses" : "accepts"} GitHub's ${operator} ${JSON.stringify(subject)}`, () => {
            const condition = { StringEquals: { [`${github}:aud`]: "sts.amazonaws.com" } };
            expect(
                federated(own(github), {
                    ...condition,
                    [`${operator}`]: { ...(operator === "StringEquals" ? condition.StringEquals : {}), [`${github}:sub`]: subject },
                }),
            ).to.equal(refused);
        });
    }

    it("refuses whoever signed up with a public provider, and providers in strangers' accounts", () => {
        expect(federated(own(github), { StringEquals: { [`${github}:aud`]: "sts.amazonaws.com" } })).to.equal(1);
        expect(federated("accounts.google.com", {})).to.equal(1);
        expect(federated("accounts.google.com", { StringEquals: { "accounts.google.com:aud": "app" } })).to.equal(1);
        expect(federated("accounts.google.com", { StringEquals: { "accounts.google.com:sub": "1234" } })).to.equal(0);
        expect(federated("arn:aws:iam::666666666666:saml-provider/x", {})).to.equal(1);
        expect(
            federated("arn:aws:iam::111111111111:saml-provider/x", { StringEquals: { "SAML:aud": "https://signin.aws.amazon.com/saml" } }),
        ).to.equal(0);
        const cognito = "cognito-identity.amazonaws.com";
        expect(federated(cognito, { StringEquals: { [`${cognito}:aud`]: "eu-west-1:pool" } })).to.equal(0);
        expect(federated(cognito, { "ForAnyValue:StringLike": { [`${cognito}:amr`]: "authenticated" } })).to.equal(1);
        const cluster = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
        expect(federated(own(cluster), { StringEquals: { [`${cluster}:sub`]: "system:serviceaccount:forensics:worker" } })).to.equal(0);
        expect(federated(own(cluster), { StringLike: { [`${cluster}:sub`]: "system:serviceaccount:*" } })).to.equal(0);
        expect(federated(own(cluster), { StringEquals: { [`${cluster}:aud`]: "sts.amazonaws.com" } })).to.equal(1);
    });
});
