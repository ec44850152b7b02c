// A process of its own, so that the test can end it if a schema stalls it. Reads one schema and validates its value three times, and prints
// the CPU time of each step in milliseconds. Argument: the family.
import { safeSchemaValidator } from '@credence/sdk-adapter';
import { EXPENSIVE_SCHEMAS } from './expensive-schemas.ts';

const { schema, value } = EXPENSIVE_SCHEMAS[process.argv[2] ?? '']?.() ?? {};
// Loads the code, which is no work of the schema.
safeSchemaValidator().getValidator({ pattern: '^a' })('a');

const used = () => process.cpuUsage().user / 1_000;
let before = used();
const step = (): number => {
  const after = used();
  const milliseconds = after - before;
  before = after;
  return milliseconds;
};
const validate = safeSchemaValidator().getValidator(schema);
const steps = [step()];
for (let times = 0; times < 3; times += 1) {
  validate(value);
  steps.push(step());
}
console.log(JSON.stringify(steps));
