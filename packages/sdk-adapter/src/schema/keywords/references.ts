import type { Node, Run } from '../run.ts';
import type { Keyword } from '../site.ts';
import { stringIn } from './values.ts';

const reference: Keyword = (value, site) => {
  const target = site.reference(value);
  return {
    expects: 'must be valid for the schema that is referred to',
    check: (value, run, evaluated) => run.evaluate(target.node, value, evaluated),
  };
};

/** `$dynamicRef` (2020-12): the outermost schema on the way here that has the same `$dynamicAnchor`. */
const dynamicReference: Keyword = (value, site) => {
  const target = site.reference(value);
  const anchor = stringIn(value).split('#')[1] ?? '';
  return {
    expects: 'must be valid for the schema that is referred to',
    check(value, run, evaluated) {
      const isDynamic = target.node.resource.dynamicAnchors.get(anchor) === target.node;
      const outermost = isDynamic ? outermostAnchor(run, anchor) : undefined;
      return run.evaluate(outermost ?? target.node, value, evaluated);
    },
  };
};

function outermostAnchor(run: Run, anchor: string): Node | undefined {
  run.spend(run.resources.length);
  return run.resources.find((resource) => resource.dynamicAnchors.has(anchor))?.dynamicAnchors.get(anchor);
}

/** `$recursiveRef` (2019-09): the outermost schema on the way here that has `$recursiveAnchor: true`. */
const recursiveReference: Keyword = (value, site) => {
  const target = site.reference(value);
  return {
    expects: 'must be valid for the schema that is referred to',
    check(value, run, evaluated) {
      run.spend(run.resources.length);
      const outermost = target.node.resource.recursive
        ? run.resources.find(({ recursive }) => recursive)?.root
        : undefined;
      return run.evaluate(outermost ?? target.node, value, evaluated);
    },
  };
};

export const REFERENCE: Keyword = reference;
export const DYNAMIC_REFERENCES: Readonly<Record<string, Keyword>> = {
  $dynamicRef: dynamicReference,
  $recursiveRef: recursiveReference,
};
