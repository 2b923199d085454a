/** What the build makes of the package world-atlas. */
declare module "atlas:borders" {
  const text: string;
  export const step: number;
  export default text;
}
