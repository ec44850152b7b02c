/** The members and entries of a value that a schema has evaluated. `unevaluatedProperties` and `unevaluatedItems` use them. */
export class Evaluated {
  readonly names = new Set<string>();
  readonly indexes = new Set<number>();
  allNames = false;
  /** All entries before this index are evaluated. */
  itemsBefore = 0;

  /** The number of names and indexes that are stored one by one. */
  get size(): number {
    return this.names.size + this.indexes.size;
  }

  add(other: Evaluated): void {
    for (const name of other.names) this.names.add(name);
    for (const index of other.indexes) this.indexes.add(index);
    this.allNames ||= other.allNames;
    this.itemsBefore = Math.max(this.itemsBefore, other.itemsBefore);
  }

  hasName(name: string): boolean {
    return this.allNames || this.names.has(name);
  }

  hasIndex(index: number): boolean {
    return index < this.itemsBefore || this.indexes.has(index);
  }
}
