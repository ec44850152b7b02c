import { isList } from '../json-value.ts';
import type { Keyword } from '../site.ts';
import { countIn } from './values.ts';

function sizeBound(words: string, holds: (size: number, limit: number) => boolean): Keyword {
  return (value) => {
    const limit = countIn(value);
    return {
      expects: `must have ${words} ${limit} entries`,
      check: (value) => !isList(value) || holds(value.length, limit),
    };
  };
}

/** `uniqueItems`. The entries are compared as texts: the work grows with the size of the list, not with its square. */
const uniqueItems: Keyword = (value) => {
  if (value !== true) return undefined;
  return {
    expects: 'must have no entry twice',
    check(value, run) {
      if (!isList(value)) return true;
      const scalars = new Set<unknown>();
      const texts = new Set<string>();
      return value.every((entry) => {
        run.spend(4 + (typeof entry === 'string' ? entry.length / 16 : 0));
        if (typeof entry !== 'object' || entry === null) return scalars.size !== scalars.add(entry).size;
        return texts.size !== texts.add(run.keyOf(entry)).size;
      });
    },
  };
};

/** `prefixItems`, and `items` with a list (up to 2019-09): one schema for each of the first entries. */
const prefixItems: Keyword = (value, site) => {
  const schemas = site.schemas(value);
  return {
    expects: 'must have valid entries',
    check(value, run, evaluated) {
      if (!isList(value)) return true;
      const count = Math.min(schemas.length, value.length);
      if (evaluated) evaluated.itemsBefore = Math.max(evaluated.itemsBefore, count);
      run.spend(count / 8);
      return schemas.slice(0, count).every((schema, index) => run.evaluateAt(index, schema, value[index]));
    },
  };
};

const items: Keyword = (value, site) => {
  if (isList(value)) return prefixItems(value, site);
  const prefix = site.keyword('prefixItems');
  return itemsFrom(isList(prefix) ? prefix.length : 0)(value, site);
};

/** `additionalItems` (up to 2019-09): the entries after those of an `items` with a list. */
const additionalItems: Keyword = (value, site) => {
  const first = site.keyword('items');
  return isList(first) ? itemsFrom(first.length)(value, site) : undefined;
};

function itemsFrom(start: number): Keyword {
  return (value, site) => {
    const schema = site.schema(value);
    return {
      expects: 'must have valid entries',
      check(value, run, evaluated) {
        if (!isList(value)) return true;
        for (let index = start; index < value.length; index += 1) {
          if (!run.evaluateAt(index, schema, value[index])) return false;
        }
        if (evaluated) evaluated.itemsBefore = Math.max(evaluated.itemsBefore, value.length);
        return true;
      },
    };
  };
}

const contains: Keyword = (value, site) => {
  const schema = site.schema(value);
  const hasBounds = site.dialect !== 'draft-07';
  const min = hasBounds ? countIn(site.keyword('minContains') ?? 1) : 1;
  const max = hasBounds ? countIn(site.keyword('maxContains') ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
  const marks = site.dialect === '2020-12';
  return {
    expects: 'must contain as many valid entries as the schema says',
    check(value, run, evaluated) {
      if (!isList(value)) return true;
      let count = 0;
      for (const [index, entry] of value.entries()) {
        if (!run.try(schema, entry)) continue;
        count += 1;
        if (!marks || !evaluated) continue;
        run.spend(2);
        evaluated.indexes.add(index);
      }
      return count >= min && count <= max;
    },
  };
};

const unevaluatedItems: Keyword = (value, site) => {
  const schema = site.schema(value);
  site.collect();
  return {
    expects: 'must have no other entries than those of the schema',
    check(value, run, evaluated) {
      if (!isList(value)) return true;
      run.spend(value.length / 2);
      for (const [index, entry] of value.entries()) {
        if (evaluated?.hasIndex(index)) continue;
        if (!run.evaluateAt(index, schema, entry)) return false;
      }
      if (evaluated) evaluated.itemsBefore = Math.max(evaluated.itemsBefore, value.length);
      return true;
    },
  };
};

export const ARRAYS: Readonly<Record<string, Keyword>> = {
  maxItems: sizeBound('at most', (size, limit) => size <= limit),
  minItems: sizeBound('at least', (size, limit) => size >= limit),
  uniqueItems,
  prefixItems,
  items,
  additionalItems,
  contains,
};

export const UNEVALUATED_ITEMS: Keyword = unevaluatedItems;
