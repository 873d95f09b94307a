/** 256 describing words, sorted; the first word of an image's alias is the one at the first byte of its ID. */
export const adjectives: readonly string[] = `
  able agile airy alert amber apt arctic ardent astute atomic autumn avid awake azure balmy bashful beaming blithe
  bold bonny bouncy brave breezy bright brisk broad bronze bushy busy calm candid caring cheery chic chirpy clean
  clear clever cloudy coastal comic cool copper coral cosmic cozy crafty crisp curious curly dainty dapper daring
  dawn deep deft dewy direct dizzy dotted downy dreamy dusky eager early earnest easy elated epic exact fair fancy
  fast festive fine first fond forest frank free fresh frosty funny fuzzy gallant gentle gifted giving glad gleaming
  glossy golden good grand grateful great green groovy happy hardy hazel hearty helpful honest hopeful humble icy
  ideal indigo ivory jaunty jazzy jolly jovial joyful keen kind lasting leafy light limber linen lively loyal lucid
  lucky lunar magic maple marble mellow merry mighty mild mindful minty misty modest mossy musical neat nice nimble
  noble novel nutty oaken ochre olive open orange orderly patient peachy peppy perky pink placid playful plucky plum
  plush poetic polar polite precise pretty prime proud purple quick quiet quirky radiant rapid rare ready regal rosy
  round royal ruby rustic sandy scarlet serene shady sharp shiny silent silver simple sincere sleek sleepy smart
  smiling smooth snowy snug social soft solar solid sparkly speedy spicy spry stable starry steady stellar stoic
  sturdy subtle sunny superb supple sweet swift tall tame tangy teal tender thrifty tidy tiny topaz tranquil trim
  true trusty urban valiant vast velvet verdant violet vivid warm wavy whole wild willing windy winged winter wise
  witty woody woven yellow young zany zesty
`.trim().split(/\s+/);

/** 256 things, sorted; the second word of an image's alias is the one at the second byte of its ID. */
export const nouns: readonly string[] = `
  acorn agate alder almond alpaca anvil apple apricot arbor arrow aspen aster atlas badger bagel bamboo banjo barley
  basil basket bay beach beacon beaver bee beetle bell birch bison bluebell boat bobcat book breeze brook bunny
  butter cabin cactus camel canary candle canoe cardinal caribou carrot castle cedar cherry chestnut chime cliff
  cloud clover cocoa compass condor cookie coral cove coyote crane creek crocus crow crystal cypress daisy deer
  delta dingo dolphin donkey dove dragon drum dune eagle echo eider elk elm ember falcon fern ferret fiddle field
  fig finch fjord flamingo flute forest fox foxglove frog galaxy garnet gazelle gecko geyser ginger giraffe glacier
  goose gopher grape grove gull hamlet harbor hare harp hawk hazel heath hedge heron hill hippo holly honey hornet
  horse ibex ibis island ivy jackal jaguar jasmine jasper jay juniper kestrel kettle kite kiwi koala lake lantern
  lark laurel lemon lemur lentil lilac lily linden lion lizard llama lobster lotus lynx magnet mango maple marble
  marmot marten meadow melon meteor mint mole moon moose moth mountain muffin nebula newt nutmeg oak oasis ocean
  olive onyx opal orchard orchid oriole osprey otter owl oyster panda pansy parrot peach pear pebble pelican penguin
  peony pepper pheasant piano pigeon pine planet plover plum pond pony poplar poppy prairie puffin quail quince
  rabbit raccoon rain raven reed reef river robin rocket rose sable saffron sage salmon seal sequoia shell shore
  sparrow spruce star stork stream swallow swan tapir teapot thrush tiger toad topaz trout tulip tundra turtle
  violet walnut walrus willow wombat wren yak zebra
`.trim().split(/\s+/);
