/** Severity on GuardDuty's scale of 0 to 10, from every spelling that findings use. */
import { at, field } from "./json";

/** What each label stands for: the value GuardDuty itself gives to findings of that band. */
const labels: Readonly<Record<string, number>> = { informational: 1, low: 2, medium: 5, high: 8, critical: 9, fatal: 10 };

/**
 * A finding without a usable severity is taken as medium: a missing number must neither stop containment nor hide the
 * finding at the bottom of a list.
 */
export const unknownSeverity = labels.medium;

function number(value: unknown): number | null {
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    return typeof value === "string" && /^\d{1,3}(\.\d{1,6})?$/.test(value.trim()) ? Number(value) : null;
}

const bounded = (value: number) => Math.min(10, Math.max(0, value));

/** The number a label such as `HIGH` stands for; null for any other value. */
export function severityOfLabel(value: unknown): number | null {
    const label = typeof value === "string" ? value.trim().toLowerCase() : "";
    return Object.hasOwn(labels, label) ? labels[label] : null;
}

/**
 * Reads a number (`5.3`), a number as text (`"5"`), a label (`"HIGH"`), GuardDuty's and the tools' objects
 * (`{code, value}`), and ASFF's `{Product, Label, Normalized}`, whose `Product` is GuardDuty's own number and whose
 * `Normalized` runs from 0 to 100.
 */
export function readSeverity(value: unknown): number {
    const plain = number(value) ?? severityOfLabel(value);
    if (plain !== null) return bounded(plain);
    for (const name of ["product", "code", "value"]) {
        const inner = number(field(value, name));
        if (inner !== null && inner <= 10) return bounded(inner);
    }
    const normalized = number(at(value, "normalized"));
    if (normalized !== null) return bounded(normalized / 10);
    return severityOfLabel(field(value, "label")) ?? severityOfLabel(field(value, "value")) ?? unknownSeverity;
}
