#include <gtest/gtest.h>

#include "html_charts.h"
#include "report/markup_check.h"
#include "report/sample_report.h"

namespace vetquant {
namespace {

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(ticks_of(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks_of(0.5, 2.4, 4), (std::vector<double>{0.5, 1, 1.5, 2}));
  EXPECT_TRUE(ticks_of(3, 3, 5).empty());
}

TEST(Treemap, AreasAreTheSharesAndFillTheWhole) {
  const std::vector<double> shares = {6, 6, 4, 3, 2, 2, 1};
  const std::vector<Tile> tiles = treemap(shares, 1.5);
  ASSERT_EQ(tiles.size(), shares.size());
  for (size_t i = 0; i < tiles.size(); ++i) {
    const Tile& tile = tiles[i];
    EXPECT_NEAR(tile.width * tile.height, shares[i] / 24 * 100 * 100, 1e-6) << i;
    EXPECT_GE(tile.left, -1e-9);
    EXPECT_GE(tile.top, -1e-9);
    EXPECT_LE(tile.left + tile.width, 100 + 1e-9);
    EXPECT_LE(tile.top + tile.height, 100 + 1e-9);
    for (size_t j = 0; j < i; ++j) {
      const Tile& other = tiles[j];
      const bool apart = tile.left >= other.left + other.width - 1e-9 || other.left >= tile.left + tile.width - 1e-9 ||
                         tile.top >= other.top + other.height - 1e-9 || other.top >= tile.top + tile.height - 1e-9;
      EXPECT_TRUE(apart) << i << " on " << j;
    }
  }
  EXPECT_TRUE(treemap({}, 2).empty());
}

TEST(Scatter, SaysInWordsWhatItShows) {
  const ReportData data = test::sample_report();
  const Judgement& judgement = *data.judgement;
  const std::string svg = scatter_svg(judgement, judgement.models[0].metrics[0]);
  EXPECT_EQ(test::markup_complaint(svg), "");
  EXPECT_NE(svg.find("aria-label=\"word error rate against size: float 34.50 % (32.50 to 36.50 %) at 151.0 MB; "),
            std::string::npos)
      << svg;
}

TEST(Scatter, OnePointIsNoChart) {
  ReportData data = test::sample_report();
  data.judgement->models.resize(1);
  EXPECT_EQ(scatter_svg(*data.judgement, data.judgement->models[0].metrics[0]), "");
}

}  // namespace
}  // namespace vetquant
