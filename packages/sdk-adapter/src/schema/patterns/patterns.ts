import { type LruCache, lruCache } from '@credence/protocol';
import type { RE2JS } from 're2js';
import type { Work } from '../budget.ts';
import { UnusableSchema } from '../unusable-schema.ts';
import { patternEngine } from './engine.ts';
import { type Re2Pattern, re2Pattern } from './re2-syntax.ts';

/** A regular expression of a schema. */
export interface Pattern {
  /** Whether a part of the text matches. The work is linear in the length of the text. */
  test(text: string, work: Work): boolean;
}

/** A compiled expression can use up to 8 MB, so few are kept. Others are compiled again after the garbage collection. */
const MAX_COMPILED = 32;
const MAX_PROGRAM_SIZE = 2_000;
const MAX_TOTAL_SIZE = 20_000;
/**
 * What one instruction and one character of a text take, in units of work. re2js first builds an automaton of the sets of instructions
 * that are active together, which is slow while the sets are new; when that has used its memory, it follows each instruction by itself.
 */
const MATCHING = { automaton: 0.8, automatonSteps: 1_250_000, step: 0.15 };
/**
 * What an expression takes, in units of work: a character that is read; an instruction, a range of a character class, and a Unicode property,
 * which has hundreds of ranges, when they are compiled; and the start of a match.
 */
const UNITS = { character: 4, instruction: 40, range: 8, property: 2_500, start: 3 };

const compiled: LruCache<RE2JS> = lruCache<RE2JS>(MAX_COMPILED);

/** The regular expressions of one schema. Limits their number, their lengths and the sizes of their programs. */
export class Patterns {
  readonly #limits: { readonly patterns: number; readonly patternLength: number };
  readonly #patterns = new Map<string, Pattern>();
  readonly #work: Work;
  #size = 0;

  constructor(limits: { readonly patterns: number; readonly patternLength: number }, work: Work) {
    this.#limits = limits;
    this.#work = work;
  }

  /** Reads an expression, and compiles it when it is first used. Throws {@link UnusableSchema}. */
  add(expression: string): Pattern {
    const known = this.#patterns.get(expression);
    if (known) return known;
    const { patterns, patternLength } = this.#limits;
    if (expression.length > patternLength)
      throw new UnusableSchema(`a pattern is longer than ${patternLength} characters`);
    if (this.#patterns.size === patterns) throw new UnusableSchema(`it has more than ${patterns} patterns`);
    this.#work.spend(UNITS.character * expression.length);
    const translated = re2Pattern(expression, this.#work);
    this.#size += translated.size;
    if (translated.size > MAX_PROGRAM_SIZE || this.#size > MAX_TOTAL_SIZE) {
      throw new UnusableSchema('its patterns are too large when their repetitions are expanded');
    }
    let compiledPattern: WeakRef<RE2JS> | undefined;
    const pattern: Pattern = {
      test(text, work) {
        const steps = text.length * translated.width;
        const automaton = MATCHING.automaton * Math.min(steps, MATCHING.automatonSteps);
        work.spend(UNITS.start + automaton + MATCHING.step * steps);
        let engine = compiledPattern?.deref();
        if (!engine) {
          engine = compile(translated, work);
          compiledPattern = new WeakRef(engine);
        }
        return engine.test(text);
      },
    };
    this.#patterns.set(expression, pattern);
    return pattern;
  }
}

function compile({ source, size, ranges, properties }: Re2Pattern, work: Work): RE2JS {
  // Also counted if it is kept, so that the same validation always takes the same work.
  work.spend(UNITS.instruction * size + UNITS.range * ranges + UNITS.property * properties);
  const kept = compiled.get(source);
  if (kept) return kept;
  const engine = patternEngine();
  if (!engine) throw new UnusableSchema('its patterns cannot be checked, because the package re2js is not loaded');
  try {
    const pattern = engine.compile(source);
    compiled.set(source, pattern);
    return pattern;
  } catch {
    throw new UnusableSchema('a pattern has something that the linear-time engine does not support');
  }
}
