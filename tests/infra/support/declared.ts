/** Specs ask here for what the program declares. */
export * from "../../../tools/program/declared";
