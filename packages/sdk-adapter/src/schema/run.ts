import { Evaluated } from './evaluated.ts';
import { UnusableSchema } from './unusable-schema.ts';

/** One rule of a schema: usually one keyword. */
export interface Rule {
  /** What a valid value does, for the error message, for example `must be a string`. */
  readonly expects: string;
  /** Whether the value is valid. `evaluated` collects what this schema evaluates, if the document has a keyword that needs it. */
  check(value: unknown, run: Run, evaluated: Evaluated | undefined): boolean;
}

/** A schema inside a document. Its rules are added while the document is read. */
export interface Node {
  readonly rules: Rule[];
  readonly resource: Resource;
}

/** A schema with an `$id` of its own, or the root of the document. References are relative to it. */
export interface Resource {
  readonly uri: string;
  readonly schema: unknown;
  readonly anchors: Map<string, Node>;
  readonly dynamicAnchors: Map<string, Node>;
  /** Whether it has `$recursiveAnchor: true` (2019-09). */
  recursive: boolean;
  root: Node | undefined;
}

/** The nesting of schemas in one validation. Each level takes a few frames of the stack. */
const MAX_DEPTH = 400;

/** One validation of a value. Throws {@link UnusableSchema} if it takes more than `work` units or is nested too deeply. */
export class Run {
  readonly #collects: boolean;
  readonly #path: (string | number)[] = [];
  readonly #resources: Resource[] = [];
  readonly #work: number;
  #spent = 0;
  #depth = 0;
  #tentative = 0;
  #failure: { readonly path: readonly (string | number)[]; readonly expects: string } | undefined;

  constructor(options: { work: number; collects: boolean }) {
    this.#work = options.work;
    this.#collects = options.collects;
  }

  /** Where the first rule failed, as a JSON pointer, and what it expects. */
  get failure(): string | undefined {
    if (!this.#failure) return undefined;
    const { path, expects } = this.#failure;
    return `${path.map((name) => `/${name}`).join('') || 'the value'} ${expects}`;
  }

  /** The resources that the validation has entered, the outermost first. A dynamic reference searches them. */
  get resources(): readonly Resource[] {
    return this.#resources;
  }

  /** Counts work before it is done. */
  spend(units: number): void {
    this.#spent += units;
    if (this.#spent > this.#work) throw new UnusableSchema(`a validation takes more than ${this.#work} units of work`);
  }

  /** Evaluates a value with a schema. If the value is valid, adds to `into` what the schema has evaluated. */
  evaluate(node: Node, value: unknown, into?: Evaluated): boolean {
    this.spend(1 + node.rules.length);
    if (this.#depth === MAX_DEPTH)
      throw new UnusableSchema(`a validation is nested more than ${MAX_DEPTH} levels deep`);
    const entered = this.#resources[this.#resources.length - 1] !== node.resource;
    const evaluated = this.#collects ? new Evaluated() : undefined;
    this.#depth += 1;
    if (entered) this.#resources.push(node.resource);
    let failed: Rule | undefined;
    for (const rule of node.rules) {
      if (rule.check(value, this, evaluated)) continue;
      failed = rule;
      break;
    }
    if (entered) this.#resources.pop();
    this.#depth -= 1;
    if (failed) {
      if (this.#tentative === 0) this.#failure ??= { path: [...this.#path], expects: failed.expects };
      return false;
    }
    if (into && evaluated) {
      this.spend(evaluated.size);
      into.add(evaluated);
    }
    return true;
  }

  /** Evaluates a member or an entry of the current value. */
  evaluateAt(name: string | number, node: Node, value: unknown): boolean {
    this.#path.push(name);
    const valid = this.evaluate(node, value);
    this.#path.pop();
    return valid;
  }

  /** Evaluates a value when an invalid value is not an error by itself, as in `anyOf`. */
  try(node: Node, value: unknown, into?: Evaluated): boolean {
    this.#tentative += 1;
    const valid = this.evaluate(node, value, into);
    this.#tentative -= 1;
    return valid;
  }
}
