import { expect } from "chai";
import fc from "fast-check";
import { findingFactsSchema, type FindingFacts } from "../../../../functions/domain/findingFacts";
import { readFacts, unflatten } from "../../../../functions/domain/parse/findingFacts";
import { parseMessage } from "../../../../functions/domain/parseMessage";
import { findingWith, fixture, put } from "../messageFixtures";

const factsOf = (message: unknown): FindingFacts => parseMessage(message).findings[0]!.facts!;
const remote = (address: string) => ({
    ipAddressV4: address,
    country: { countryName: "Netherlands" },
    organization: { asn: "64500", asnOrg: "Example", isp: "Example", org: "Example" },
});
const connection = {
    actionType: "NETWORK_CONNECTION",
    networkConnectionAction: {
        connectionDirection: "OUTBOUND",
        protocol: "TCP",
        blocked: false,
        localIpDetails: { ipAddressV4: "10.20.1.17" },
        localPortDetails: { port: 45_000, portName: "Unknown" },
        remotePortDetails: { port: 4444, portName: "Unknown" },
        remoteIpDetails: remote("198.51.100.23"),
    },
};

describe("the facts of a finding", () => {
    it("are what happened, with whom, how often, and what it knew of the instance", () => {
        const facts = factsOf(findingWith({ "service.action": connection, "service.count": 3 }));
        expect(facts).to.deep.include({
            action: "NETWORK_CONNECTION",
            direction: "OUTBOUND",
            protocol: "TCP",
            blocked: false,
            remoteAddresses: ["198.51.100.23"],
            remoteOwners: ["AS64500 Example, Netherlands"],
            localPorts: [45_000],
            remotePorts: [4444],
            count: 3,
            firstSeen: "2026-11-24T09:02:11.000Z",
            lastSeen: "2026-11-24T09:32:40.000Z",
        });
        expect(facts.instance).to.deep.include({
            publicAddresses: ["203.0.113.17"],
            privateAddresses: ["10.20.1.17"],
            launchTime: "2026-11-02T08:14:09.000Z",
            imageId: "ami-0b1c2d3e4f5061728",
            vpcId: "vpc-0e1f203142536475a",
            tags: [{ key: "Name", value: "web-7" }],
        });
    });

    it("are the same in GetFindings' spelling and in ASFF, which flattens them", () => {
        const { instance: _, ...facts } = factsOf(findingWith({ "service.action": connection }));
        const pascal = fixture("finding-pascal");
        const recased = JSON.parse(
            JSON.stringify(connection).replace(/"([a-z])(\w+)":/g, (_, first: string, rest: string) => `"${first.toUpperCase()}${rest}":`),
        ) as unknown;
        put(pascal, "Service.Action", recased);
        expect({ ...factsOf(pascal), instance: null }).to.deep.equal({ ...facts, instance: null });

        const flat: Record<string, string> = {};
        const flatten = (value: unknown, path: string): void => {
            if (typeof value !== "object" || value === null) flat[path] = String(value);
            else for (const [key, inner] of Object.entries(value)) flatten(inner, `${path}/${key}`);
        };
        flatten(connection, "aws/guardduty/service/action");
        const asff = factsOf({ ...fixture("asff"), ProductFields: flat });
        for (const key of [
            "action",
            "direction",
            "protocol",
            "blocked",
            "remoteAddresses",
            "remoteOwners",
            "localPorts",
            "remotePorts",
        ] as const)
            expect(asff[key], key).to.deep.equal(facts[key]);
    });

    it("hold every end of a port probe, whether listed or not", () => {
        const detail = (address: string, port: number) => ({
            remoteIpDetails: remote(address),
            localPortDetails: { port, portName: "SSH" },
        });
        const probe = (details: unknown) =>
            findingWith({ "service.action": { actionType: "PORT_PROBE", portProbeAction: { portProbeDetails: details } } });
        expect(factsOf(probe([detail("198.51.100.1", 22), detail("198.51.100.2", 80)]))).to.deep.include({
            remoteAddresses: ["198.51.100.1", "198.51.100.2"],
            localPorts: [22, 80],
            remoteOwners: ["AS64500 Example, Netherlands"],
        });
        expect(factsOf(probe(detail("198.51.100.1", 22))).localPorts).to.deep.equal([22]);
    });

    it("name domains, calls, programs, malware and files", () => {
        const dns = { "service.action": { actionType: "DNS_REQUEST", dnsRequestAction: { domain: "c2.example.net", protocol: "UDP" } } };
        expect(factsOf(findingWith(dns)).domains).to.deep.equal(["c2.example.net"]);
        const api = {
            actionType: "AWS_API_CALL",
            awsApiCallAction: { serviceName: "s3.amazonaws.com", api: "ListBuckets", remoteIpDetails: remote("198.51.100.9") },
        };
        expect(factsOf(findingWith({ "service.action": api }))).to.deep.include({
            apiCalls: ["s3.amazonaws.com ListBuckets"],
            remoteAddresses: ["198.51.100.9"],
        });
        const runtime = { process: { executablePath: "/tmp/x", executableSha256: "ab" }, context: { scriptPath: "/tmp/y.sh" } };
        expect(factsOf(findingWith({ "service.runtimeDetails": runtime }))).to.deep.include({
            processes: ["/tmp/x (SHA-256 ab)"],
            files: ["/tmp/y.sh"],
        });
        const scan = {
            scanDetections: { threatDetectedByName: { threatNames: [{ name: "EICAR", filePaths: [{ filePath: "/srv/eicar.com" }] }] } },
        };
        expect(factsOf(findingWith({ "service.ebsVolumeScanDetails": scan }))).to.deep.include({
            threats: ["ProofPoint", "EICAR"].slice(1),
            files: ["/srv/eicar.com"],
        });
    });

    it("are bounded, whatever a finding holds", () => {
        const long = "x".repeat(1000);
        const many = Array.from({ length: 500 }, (_, index) => ({
            remoteIpDetails: remote(`${long}${index}`),
            localPortDetails: { port: index },
        }));
        const tags = Array.from({ length: 500 }, (_, index) => ({ key: `${index}${long}`, value: long }));
        const facts = factsOf(
            findingWith({ "service.action": { portProbeAction: { portProbeDetails: many } }, "resource.instanceDetails.tags": tags }),
        );
        expect(findingFactsSchema.parse(facts)).to.deep.equal(facts);
        expect(Buffer.byteLength(JSON.stringify(facts))).to.be.below(16 * 1024);
    });

    it("are read out of any value without throwing", () => {
        fc.assert(
            fc.property(fc.anything(), fc.anything(), (service, resource) => {
                const facts = readFacts(service, resource, null);
                expect(findingFactsSchema.parse(facts)).to.deep.equal(facts);
            }),
            { numRuns: 500 },
        );
    });

    it("are nested out of ASFF's fields without touching what all objects inherit", () => {
        unflatten({ "aws/guardduty/service/__proto__/polluted": "yes", "aws/guardduty/service/constructor/prototype/polluted": "yes" });
        expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
        expect(unflatten({ "aws/guardduty/service/a/b.0_": "1", "aws/guardduty/service/a/b.1_": "2", other: "3" })).to.deep.equal({
            a: { b: ["1", "2"] },
        });
    });
});
