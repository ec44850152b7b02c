/** A schema that cannot be used, or the validation of a value with it is too much work. The message says why. */
export class UnusableSchema extends Error {
  override readonly name = 'UnusableSchema';
}
